import { remote } from "@pulumi/command";
import { Provider } from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterGeneration } from "../../components/generation";
import type { Homelab, NodeMachine } from "../../config/homelab";
import type { Host } from "../host";
import { commandLine, HostStep } from "../host-step";
import { kubeconfigRead, rewriteKubeconfig } from "./kubeconfig";
import { k3sNodeStep } from "./node-step";
import { OrderedComponent } from "../../components/ordered-component";

export interface K3sClusterArgs {
  homelab: Homelab;
  /** How to reach each node, by machine name. */
  hosts: Readonly<Record<string, Host>>;
  /** What must be done on the control plane before K3s. */
  serverDependsOn: readonly pulumi.Resource[];
  /** What must be done on each worker before K3s, by machine name: bootstrap, disks, GPU driver. */
  agentDependsOn: Readonly<Record<string, readonly pulumi.Resource[]>>;
  /** Mount points of each node's data disks, by machine name; K3s starts after them. Default: none. */
  mounts?: Readonly<Record<string, readonly string[]>>;
  generation: ClusterGeneration;
  serverToken: pulumi.Input<string>;
  agentToken: pulumi.Input<string>;
}

/**
 * K3s on every node, and the provider through which everything in the cluster is made. Workers wait for the server and
 * for their own machine, not for each other.
 */
export class K3sCluster extends OrderedComponent {
  /** Identified by the generation: a new certificate or address is an update, never a replacement of the cluster. */
  public readonly provider: Provider;
  /** Where kubectl runs; a step there runs again for every generation of the cluster. */
  public readonly controlPlane: Host;
  /** Admin access from the LAN; secret. */
  public readonly kubeconfig: pulumi.Output<string>;
  /** The API server answers. */
  public readonly server: pulumi.Resource;
  /** Every node runs K3s with the kubelet root of the configuration. Not yet Ready: there is no network plugin. */
  public readonly ready: readonly pulumi.Resource[];

  public constructor(name: string, args: K3sClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:nodes:K3sCluster", name, opts);
    const { homelab, hosts, generation, serverToken, agentToken } = args;
    const { controlPlane, workers, cluster } = homelab;
    const clusterId = generation.hex;

    const step = (
      machine: NodeMachine,
      secrets: Readonly<Record<string, pulumi.Input<string>>>,
      dependsOn: readonly pulumi.Resource[],
    ) => {
      const { script, probe, expected } = k3sNodeStep(homelab, machine, args.mounts?.[machine.name] ?? []);
      return new HostStep(
        `${name}-${machine.name}`,
        {
          host: hostOf(hosts, machine),
          script,
          secrets: { CLUSTER_ID: clusterId, ...secrets },
          state: { probe, expected },
        },
        { parent: this, dependsOn: [...dependsOn] },
      );
    };
    const server = step(controlPlane, { SERVER_TOKEN: serverToken, AGENT_TOKEN: agentToken }, args.serverDependsOn);
    const agents = workers.map((worker) =>
      step(worker, { AGENT_TOKEN: agentToken }, [server, ...(args.agentDependsOn[worker.name] ?? [])]),
    );

    this.controlPlane = { ...hostOf(hosts, controlPlane), incarnation: clusterId };
    const { identity, connection, user } = this.controlPlane;
    const read = new remote.Command(
      `${name}-kubeconfig`,
      {
        connection,
        // These words never change: with others the kubeconfig is unknown in a preview, and all that is reached by it.
        create: commandLine(user, 60, "bash"),
        stdin: pulumi.output(server.facts).apply((facts) =>
          kubeconfigRead(identity, {
            generation: cluster.generation,
            version: homelab.versions.k3s.version,
            certificateEnd: facts?.["certificate.notAfter"] ?? "unknown",
          }),
        ),
        addPreviousOutputInEnv: false,
        logging: remote.Logging.None,
      },
      { parent: this, dependsOn: [server], additionalSecretOutputs: ["stdout", "stderr"] },
    );
    this.kubeconfig = pulumi.secret(
      read.stdout.apply((text) => rewriteKubeconfig(text, controlPlane.address, cluster.name)),
    );
    this.provider = new Provider(
      generation.providerName(`${name}-provider`),
      {
        kubeconfig: this.kubeconfig,
        clusterIdentifier: clusterId,
        enableServerSideApply: true,
        // An object that somebody has edited is drift, and drift is repaired, not reported as a conflict of field managers.
        enablePatchForce: true,
        // A changed setting is an edit of its ConfigMap, not a new one beside an old one that a chart retains.
        enableConfigMapMutable: true,
        // Chart v4 drops hooks; each chart here is configured to need none.
        suppressHelmHookWarnings: true,
        // The provider asks for the whole schema, which the API server makes anew after each CRD. On slow machines that took
        // longer than the 32 s of the default (KubeClientSettings of the provider's schema), and failed the whole `up`.
        kubeClientSettings: { timeout: 180 },
      },
      { parent: this, deletedWith: generation },
    );
    this.server = server;
    this.ready = [server, ...agents];
    this.registerOutputs();
  }
}

function hostOf(hosts: Readonly<Record<string, Host>>, machine: NodeMachine): Host {
  const host = hosts[machine.name];
  if (!host) {
    throw new Error(`no connection to ${machine.name} was given`);
  }
  return host;
}
