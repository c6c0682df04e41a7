import { NodePatch } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { paths } from "../../nodes/k3s/paths";
import { pinnedChart } from "../chart";
import { namespace } from "../namespace";
import type { ServiceArgs } from "../service";
import { allocatableGate } from "./allocatable-gate";
import {
  defaultSliceConfig,
  NVIDIA_CONFIG_LABEL,
  NVIDIA_PLUGIN,
  NVIDIA_RESOURCE,
  nvidiaDevicePluginValues,
  nvidiaWorkers,
  sliceConfig,
} from "./nvidia-values";
import { OrderedComponent } from "../ordered-component";

const HINT =
  "On the node: nvidia-smi must work, and K3s must have started after the container toolkit was installed " +
  `(grep nvidia ${paths.data}/agent/etc/containerd/config.toml). Then read: ` +
  `k3s kubectl -n ${NVIDIA_PLUGIN} logs daemonset/${NVIDIA_PLUGIN} --all-containers --tail=50`;

/**
 * Offers each NVIDIA GPU to pods in the number of slices that the configuration states. Driver and container toolkit must
 * have been there before K3s. Nothing where no worker has a GPU.
 */
export class NvidiaDevicePlugin extends OrderedComponent {
  /** Wait for these before a pod asks for a GPU. */
  public readonly ready: pulumi.Resource[] = [];

  public constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:gpu:NvidiaDevicePlugin", name, opts);
    const { homelab, controlPlane } = args;
    const workers = nvidiaWorkers(homelab);
    const child = { parent: this };
    if (workers.length > 0) {
      const home = namespace(NVIDIA_PLUGIN, { homelab }, child);
      const chart = pinnedChart(
        name,
        {
          homelab,
          chart: "nvidiaDevicePlugin",
          namespace: home.name,
          values: nvidiaDevicePluginValues(homelab),
        },
        child,
      );
      const choices = workers
        .filter(({ gpu }) => sliceConfig(gpu.slices) !== defaultSliceConfig(homelab))
        .map(
          (worker) =>
            new NodePatch(
              `${name}-config-${worker.name}`,
              {
                metadata: {
                  name: worker.name,
                  labels: { [NVIDIA_CONFIG_LABEL]: sliceConfig(worker.gpu.slices) },
                },
              },
              child,
            ),
        );
      this.ready.push(
        allocatableGate(
          `${name}-allocatable`,
          {
            controlPlane,
            resource: NVIDIA_RESOURCE,
            nodes: new Map(workers.map((worker) => [worker, worker.gpu.slices])),
            hint: HINT,
          },
          { ...child, dependsOn: [chart, ...choices] },
        ),
      );
    }
    this.registerOutputs();
  }
}
