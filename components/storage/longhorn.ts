import { CustomResource, CustomResourcePatch } from "@pulumi/kubernetes/apiextensions";
import { StorageClass } from "@pulumi/kubernetes/storage/v1";
import * as pulumi from "@pulumi/pulumi";
import { pinnedChart } from "../chart";
import { gate } from "../gate";
import { namespace } from "../namespace";
import type { ServiceArgs } from "../service";
import { csiGate } from "./csi-gate";
import { tierClasses } from "./longhorn-classes";
import { longhornDiskSpecs } from "./longhorn-disks";
import { LONGHORN_DRIVER, LONGHORN_NAMESPACE, longhornNodes, storageNodes } from "./longhorn-nodes";
import { longhornRecurringJobs } from "./longhorn-recurring-jobs";
import { longhornSettings, settingName } from "./longhorn-settings";
import { longhornValues } from "./longhorn-values";
import { machineIncarnation } from "../../nodes/incarnation";
import { OrderedComponent } from "../ordered-component";

const API_VERSION = "longhorn.io/v1beta2";

export interface LonghornArgs extends ServiceArgs {
  /** Every node is Ready, with its disks mounted. The chart does not wait for the slowest of them, its disks do. */
  nodes: readonly pulumi.Resource[];
}

/**
 * Replicated block storage: Longhorn with the configuration's disks, one StorageClass per tier, and proof that volumes
 * will mount and find a disk. Needs a network for pods, and the CRDs of the Prometheus operator.
 *
 * Namespace, chart and disks are never deleted through Pulumi (`retainOnDelete`): with Longhorn's CRDs or its namespace
 * go all volumes, and the chart's uninstall job, which would ask first, is a hook. They are not `protect`ed, because a
 * rebuild generation must be able to replace them. The provider must be set to update ConfigMaps in place
 * (`enableConfigMapMutable`), or a changed setting would replace an object that is not deleted.
 */
export class Longhorn extends OrderedComponent {
  /** Wait for these before a volume is claimed. */
  public readonly ready: pulumi.Resource[];
  /** Of Longhorn and its UI. */
  public readonly namespace: pulumi.Output<string>;

  public constructor(name: string, args: LonghornArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:storage:Longhorn", name, opts);
    const { homelab, controlPlane } = args;
    const child = { parent: this };
    const kept = { parent: this, retainOnDelete: true };

    // Routes: the proxy in front of the UI lives here.
    const { name: inside } = namespace(LONGHORN_NAMESPACE, { homelab, gatewayAccess: true }, kept);
    const upgradable = gate(
      `${name}-upgrade`,
      {
        controlPlane,
        script: "longhorn-upgrade.sh",
        libraries: ["versions-lib.sh"],
        variables: { VERSION: homelab.versions.charts.longhorn },
      },
      child,
    );
    const chart = pinnedChart(
      name,
      { homelab, chart: "longhorn", namespace: inside, values: longhornValues(homelab) },
      { ...kept, dependsOn: [upgradable] },
    );

    const csi = csiGate(
      `${name}-csi`,
      {
        ...args,
        driver: LONGHORN_DRIVER,
        namespace: LONGHORN_NAMESPACE,
        daemonSet: "longhorn-csi-plugin",
        nodes: longhornNodes(homelab),
      },
      { ...child, dependsOn: [chart, ...args.nodes] },
    );
    const nodes = gate(
      `${name}-nodes`,
      {
        controlPlane,
        script: "longhorn-nodes.sh",
        nodes: longhornNodes(homelab),
        variables: {
          NODES: longhornNodes(homelab).map((node) => node.name),
          SETTINGS: Object.entries(longhornSettings(homelab)).map(([key, value]) => `${settingName(key)}=${value}`),
        },
      },
      { ...child, dependsOn: [chart, ...args.nodes] },
    );

    // Longhorn's manager makes the node objects; the disks in them are ours, now and after each change of the config.
    const disks = storageNodes(homelab).map(
      (node) =>
        new CustomResourcePatch(
          `${name}-disks-${node.name}`,
          {
            apiVersion: API_VERSION,
            kind: "Node",
            metadata: {
              name: node.name,
              namespace: inside,
              annotations: {
                // The manager owns the fields of disks that it has seen already.
                "pulumi.com/patchForce": "true",
                // A replaced machine has a new node object, which knows no disk yet: the patch is applied again.
                "homelab/machine": machineIncarnation(node),
              },
            },
            spec: { disks: longhornDiskSpecs(homelab, node) },
          },
          { ...kept, dependsOn: [nodes] },
        ),
    );
    const { tiers, defaultTier } = homelab.storage;
    const schedulable = gate(
      `${name}-disks`,
      {
        controlPlane,
        script: "longhorn-disks.sh",
        nodes: storageNodes(homelab),
        variables: {
          DISKS: storageNodes(homelab).flatMap((node) =>
            Object.entries(longhornDiskSpecs(homelab, node)).map(([disk, { path }]) => `${node.name}/${disk}=${path}`),
          ),
          STORAGE_CLASS: tiers[defaultTier].storageClass,
        },
      },
      { ...child, dependsOn: disks.length > 0 ? disks : [nodes] },
    );

    const classes = tierClasses(homelab).map(
      (manifest) => new StorageClass(`${name}-${manifest.metadata.name}`, manifest, child),
    );
    for (const spec of longhornRecurringJobs) {
      new CustomResource(
        `${name}-${spec.name}`,
        { apiVersion: API_VERSION, kind: "RecurringJob", metadata: { name: spec.name, namespace: inside }, spec },
        { ...child, dependsOn: [nodes] },
      );
    }

    this.ready = [csi, schedulable, ...classes];
    this.namespace = inside;
    this.registerOutputs();
  }
}
