import { PersistentVolume } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { pinnedChart } from "../chart";
import { namespace } from "../namespace";
import type { ServiceArgs } from "../service";
import { csiGate } from "./csi-gate";
import { mediaVolume, NFS_DRIVER } from "./media-volume";
import { nfsValues } from "./nfs-values";
import { OrderedComponent } from "../ordered-component";

const NAMESPACE = "csi-driver-nfs";

/**
 * The media share of the storage server as a volume, by the NFS CSI driver, which also brings snapshot CRDs and
 * controller. Nothing at all where the configuration has no `storage.media`: such a house has no VolumeSnapshots either, which no
 * backup of this program uses.
 *
 * The volume is not deleted through Pulumi (`retainOnDelete`), and not `protect`ed: a rebuild generation makes it anew in
 * the new cluster, and what is on the server belongs to neither.
 */
export class NfsStorage extends OrderedComponent {
  /** Wait for these before the media volume is claimed. */
  public readonly ready: pulumi.Resource[] = [];

  public constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:storage:NfsStorage", name, opts);
    const { homelab } = args;
    const child = { parent: this };
    const volume = mediaVolume(homelab);
    if (volume) {
      const home = namespace(NAMESPACE, { homelab }, child);
      const chart = pinnedChart(
        name,
        { homelab, chart: "csiDriverNfs", namespace: home.name, values: nfsValues(homelab) },
        child,
      );
      const registered = csiGate(
        `${name}-csi`,
        { ...args, driver: NFS_DRIVER, namespace: NAMESPACE, daemonSet: "csi-nfs-node", nodes: homelab.nodes },
        { ...child, dependsOn: [chart] },
      );
      const media = new PersistentVolume(`${name}-media`, volume, { ...child, retainOnDelete: true });
      this.ready.push(registered, media);
    }
    this.registerOutputs();
  }
}
