import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { ClusterGeneration } from "../../../components/generation";
import { hostOf } from "../../../nodes/host";
import { K3sCluster } from "../../../nodes/k3s/cluster";
import { isSecret, record, SECRET, type RecordedResource, type Recording } from "../../../plan/record";
import { home } from "../../support/home";

class Done extends pulumi.CustomResource {
  public constructor(name: string, opts: pulumi.CustomResourceOptions) {
    super("test:index:Done", name, {}, opts);
  }
}

class Marker extends pulumi.ComponentResource {
  public constructor(name: string) {
    super("test:Marker", name, {});
    new Done(name, { parent: this });
  }
}

describe("K3s cluster", () => {
  let recording: Recording;

  before(async () => {
    const homelab = home();
    recording = await record(() => {
      const generated = { identity: { kind: "machine-id", value: "vm" } as const, hostKey: "ssh-ed25519 AAAA" };
      const hosts = Object.fromEntries(homelab.nodes.map((node) => [node.name, hostOf(homelab, node, generated)]));
      new K3sCluster("k3s", {
        homelab,
        hosts,
        serverDependsOn: [new Marker("vm-ready")],
        agentDependsOn: Object.fromEntries(homelab.workers.map(({ name }) => [name, [new Marker(`${name}-ready`)]])),
        mounts: { k3s3: ["/var/lib/homelab/disks/nvme-1"] },
        generation: new ClusterGeneration("generation", homelab),
        serverToken: pulumi.secret("the-server-token"),
        agentToken: pulumi.secret("the-agent-token"),
      });
    });
  });

  const named = (name: string): RecordedResource => {
    const found = recording.resources.filter((resource) => resource.custom && resource.name === name);
    expect(found, name).to.have.length(1);
    return found[0];
  };
  /** What a resource waits for: its own edges, and those of the components around it, whose registration it waits for. */
  const waitsFor = (name: string): string[] => {
    const urns: string[] = [];
    for (
      let resource: RecordedResource | undefined = named(name);
      resource;
      resource = recording.resources.find(({ urn }) => urn === resource?.parent)
    ) {
      urns.push(...resource.dependencies);
    }
    return names(urns);
  };
  const names = (urns: string[]) => urns.map((urn) => urn.split("::").pop()!).sort();
  const stdin = (name: string): string => {
    const { stdin: value } = named(name).inputs;
    expect(isSecret(value), `${name} is secret`).to.equal(true);
    return (value as { [SECRET]: string })[SECRET];
  };

  it("each agent waits for the server and its own machine only", () => {
    for (const worker of ["k3s1", "k3s2", "k3s3"]) {
      const waits = waitsFor(`k3s-${worker}-apply`);
      expect(waits).to.include.members([`${worker}-ready`, "k3s-k3s-master1-apply", "k3s-k3s-master1-state"]);
      expect(waits.filter((name) => /k3s[123]/.test(name) && !name.startsWith(worker))).to.deep.equal([]);
    }
    expect(waitsFor("k3s-k3s-master1-apply")).to.include("vm-ready");
  });

  it("an agent's step never holds the server's token", () => {
    expect(stdin("k3s-k3s-master1-apply")).to.contain("the-server-token").and.contain("the-agent-token");
    for (const worker of ["k3s1", "k3s2", "k3s3"]) {
      for (const resource of recording.resources.filter(({ name }) => name.startsWith(`k3s-${worker}`))) {
        expect(JSON.stringify(resource.inputs), resource.name).not.to.contain("the-server-token");
      }
      expect(stdin(`k3s-${worker}-apply`)).to.contain("the-agent-token");
    }
  });

  it("no secret is in a command or outside of a secret", () => {
    for (const resource of recording.resources) {
      const clear = JSON.stringify(resource.inputs, (_key, value: unknown) => (isSecret(value) ? "***" : value));
      expect(clear, resource.name).not.to.match(/the-(server|agent)-token/);
    }
  });

  it("every node remembers generation and cluster from the one resource that decides", () => {
    for (const node of ["k3s-master1", "k3s3"]) {
      expect(stdin(`k3s-${node}-apply`)).to.match(/CLUSTER_ID='home-1-[0-9a-f]{16}'/);
    }
  });

  it("the provider is identified by the generation, and goes with it", () => {
    const provider = named("k3s-provider-home-1");
    const generation = named("generation");
    expect(provider.inputs.clusterIdentifier).to.match(/^home-1-[0-9a-f]{16}$/);
    expect(provider.deletedWith).to.equal(generation.urn);
    expect(provider.inputs).to.include({ enableServerSideApply: "true", suppressHelmHookWarnings: "true" });
    expect(provider.propertyDependencies.clusterIdentifier).to.include(generation.urn);
  });

  it("the kubeconfig is read by a command of its own with secret output and stable input", () => {
    const read = named("k3s-kubeconfig");
    expect(read.additionalSecretOutputs).to.include("stdout");
    expect(read.inputs).to.include({ logging: "none", addPreviousOutputInEnv: false });
    expect(String(read.inputs.create)).to.equal("sudo -n timeout -k 10 120 bash");
    expect(String(read.inputs.stdin)).to.contain("# generation 1, K3s v1.32.5+k3s1");
    expect(names(read.dependencies)).to.include("k3s-k3s-master1-state");
  });

  it("trap 21: disks reach the unit of their own node only", () => {
    expect(stdin("k3s-k3s3-apply")).to.contain("After=var-lib-homelab-disks-nvme\\x2d1.mount\n");
    expect(stdin("k3s-k3s1-apply")).not.to.contain("disks-nvme");
  });

  it("every connection has a host key", () => {
    const connections = recording.resources.filter(({ inputs }) => "connection" in inputs);
    expect(connections).to.have.length(9);
    for (const { name, inputs } of connections) {
      expect(JSON.stringify(inputs.connection), name).to.contain('"hostKey"');
    }
  });

  it("fails by name if a machine's connection is missing", async () => {
    const homelab = home();
    let message = "";
    await record(() => {
      try {
        new K3sCluster("k3s", {
          homelab,
          hosts: {},
          serverDependsOn: [],
          agentDependsOn: {},
          generation: new ClusterGeneration("generation", homelab),
          serverToken: "s",
          agentToken: "a",
        });
      } catch (error) {
        message = (error as Error).message;
      }
    });
    expect(message).to.equal("no connection to k3s-master1 was given");
  });
});
