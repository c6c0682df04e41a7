import * as pulumi from "@pulumi/pulumi";
import type { Worker } from "../../config/homelab";
import type { Host } from "../host";
import { HostStep } from "../host-step";
import { nvidiaState, nvidiaSteps } from "./nvidia";
import { quickSyncState, quickSyncStep } from "./quicksync";
import { OrderedComponent } from "../../components/ordered-component";

export interface NodeGpuArgs {
  host: Host;
  worker: Worker;
}

/**
 * The host's side of the GPUs of one worker. Needs the packages of NodeBootstrap, and has to be done before K3s starts,
 * which looks for nvidia-container-runtime at its start only. A worker without GPUs gets no step.
 */
export class NodeGpu extends OrderedComponent {
  /** What has to be done before K3s. */
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: NodeGpuArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:nodes:NodeGpu", name, opts);
    const { host, worker } = args;
    // One after the other: they share the machine's package manager, and the first may reboot it.
    let last: pulumi.Resource[] = [];
    if (worker.gpu) {
      const [install, verify] = nvidiaSteps(worker.gpu);
      const driver = new HostStep(`${name}-driver`, { host, script: install }, { parent: this });
      last = [
        new HostStep(
          `${name}-verify`,
          { host, script: verify, state: nvidiaState(worker.gpu) },
          { parent: this, dependsOn: [driver] },
        ),
      ];
    }
    if (worker.quickSync) {
      last = [
        new HostStep(
          `${name}-quicksync`,
          { host, script: quickSyncStep(), state: quickSyncState() },
          { parent: this, dependsOn: last },
        ),
      ];
    }
    this.ready = last;
    this.registerOutputs();
  }
}
