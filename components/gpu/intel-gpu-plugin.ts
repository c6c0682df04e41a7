import { DaemonSet } from "@pulumi/kubernetes/apps/v1";
import * as pulumi from "@pulumi/pulumi";
import { namespace } from "../namespace";
import type { ServiceArgs } from "../service";
import { allocatableGate } from "./allocatable-gate";
import { INTEL_APP, INTEL_RESOURCE, intelDaemonSets, intelWorkers } from "./intel-manifests";
import { OrderedComponent } from "../ordered-component";

const HINT =
  "On the node, ls /dev/dri must show renderD128: a BIOS that switches the graphics off without a screen hides it. " +
  `Then read: k3s kubectl -n ${INTEL_APP} logs --selector app.kubernetes.io/name=${INTEL_APP} --tail=50`;

/** Offers the render device of QuickSync nodes to pods. Nothing where no worker has one. */
export class IntelGpuPlugin extends OrderedComponent {
  /** Wait for these before a pod asks for the device. */
  public readonly ready: pulumi.Resource[] = [];

  public constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:gpu:IntelGpuPlugin", name, opts);
    const { homelab, controlPlane } = args;
    const workers = intelWorkers(homelab);
    const child = { parent: this };
    if (workers.length > 0) {
      const home = namespace(INTEL_APP, { homelab }, child);
      const plugins = intelDaemonSets(homelab).map(
        (plugin) =>
          new DaemonSet(
            `${name}-${plugin.name}`,
            { metadata: { name: plugin.name, namespace: home.name }, spec: plugin.spec },
            child,
          ),
      );
      this.ready.push(
        allocatableGate(
          `${name}-allocatable`,
          {
            controlPlane,
            resource: INTEL_RESOURCE,
            nodes: new Map(workers.map((worker) => [worker, worker.quickSync.sharedBy])),
            hint: HINT,
          },
          { ...child, dependsOn: plugins },
        ),
      );
    }
    this.registerOutputs();
  }
}
