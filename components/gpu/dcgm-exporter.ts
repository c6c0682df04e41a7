import * as pulumi from "@pulumi/pulumi";
import { pinnedChart } from "../chart";
import { namespace } from "../namespace";
import type { ServiceArgs } from "../service";
import { dcgmExporterValues, nvidiaWorkers } from "./nvidia-values";
import { OrderedComponent } from "../ordered-component";

/**
 * Metrics of NVIDIA GPUs, with the pods that use them. Needs the CRDs of the Prometheus operator. Nothing where no worker
 * has a GPU.
 */
export class DcgmExporter extends OrderedComponent {
  public readonly ready: pulumi.Resource[] = [];

  public constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:gpu:DcgmExporter", name, opts);
    const { homelab } = args;
    if (nvidiaWorkers(homelab).length > 0) {
      const home = namespace("dcgm-exporter", { homelab }, { parent: this });
      this.ready.push(
        pinnedChart(
          name,
          { homelab, chart: "dcgmExporter", namespace: home.name, values: dcgmExporterValues(homelab) },
          { parent: this },
        ),
      );
    }
    this.registerOutputs();
  }
}
