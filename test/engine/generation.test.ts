import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { cliProblem } from "../../rehearse/deploy/engine/engine-problem";
import { EngineProject } from "../support/engine";
import { root } from "../support/home";
import { skipBecause } from "../support/skip";

const from = (...parts: string[]) => JSON.stringify(path.join(root, ...parts));

/** The program's own generation and platform, with a cluster that answers nobody: its API server does not exist. */
const program = `
  import { ConfigMap, Namespace } from "@pulumi/kubernetes/core/v1";
  import { Provider } from "@pulumi/kubernetes/provider";
  import * as pulumi from "@pulumi/pulumi";
  import { ClusterGeneration } from ${from("components", "generation")};
  import { OrderedComponent } from ${from("components", "ordered-component")};
  import { Platform } from ${from("components", "platform")};
  import { GeneratedSecrets } from ${from("components", "secrets")};

  const number = new pulumi.Config().requireNumber("generation");
  const homelab = { cluster: { name: "test", generation: number } } as never;
  new GeneratedSecrets("secrets", { apps: [], cluster: { rotations: { clients: 0, cookies: 0, apps: 0 } } });
  const generation = new ClusterGeneration("generation", homelab);
  const provider = new Provider(
    generation.providerName("provider"),
    { renderYamlToDirectory: "rendered", clusterIdentifier: generation.hex },
    { deletedWith: generation },
  );
  const platform = new Platform("platform", { provider, generation });
  const service = new OrderedComponent("homelab:test:Service", "service", { parent: platform });
  const space = new Namespace("space", { metadata: { name: "space" } }, { parent: service });
  if (new pulumi.Config().getBoolean("interrupted")) {
    space.urn.apply(() => { throw new Error("the run ends here"); });
  } else new ConfigMap("map", { metadata: { name: "map", namespace: space.metadata.name }, data: { a: "b" } }, { parent: service });
`;

interface Resource {
  urn: string;
  type: string;
  deletedWith?: string;
  provider?: string;
  id?: string;
}

describe("rebuild generation on a real engine", function () {
  this.timeout(300_000);
  let project: EngineProject | undefined;

  before(function () {
    const problem = cliProblem();
    if (problem) {
      skipBecause(this, problem);
    }
    project = EngineProject.of("generation", program);
    up(1);
  });
  after(() => project?.remove());

  const run = (...args: string[]) => (project as EngineProject).run(...args, "--stack", "generation");
  const up = (generation: number) => {
    run("config", "set", "generation", String(generation));
    const { status, stdout, stderr } = run("up", "--yes", "--skip-preview");
    expect(status, stdout + stderr).to.equal(0);
  };
  /** What a preview would do, by name. */
  const previewed = (): Record<string, string> => {
    const { steps } = JSON.parse(run("preview", "--json").stdout) as { steps: { op: string; urn: string }[] };
    return Object.fromEntries(steps.map(({ op, urn }) => [urn.split("::").pop() ?? urn, op]));
  };
  const resources = () => {
    const state = JSON.parse(run("stack", "export").stdout) as { deployment: { resources: Resource[] } };
    return state.deployment.resources;
  };
  /** The objects of the cluster, which is a folder here. */
  const rendered = () =>
    fs
      .readdirSync(path.join(project!.folder, "rendered"), { recursive: true })
      .filter((name) => /\.yaml$/.test(String(name)));
  const ids = (type: RegExp) =>
    Object.fromEntries(
      resources()
        .filter((resource) => type.test(resource.type))
        .map(({ urn, id }) => [urn, id]),
    );

  it("everything in the cluster inherits deletedWith from the platform", () => {
    const all = resources();
    const generation = all.find(({ type }) => type === "random:index/randomId:RandomId");
    const objects = all.filter(({ type }) => type.startsWith("kubernetes:"));
    expect(objects).to.have.length(2);
    for (const { urn, deletedWith } of objects) {
      expect(deletedWith, urn).to.equal(generation?.urn);
    }
  });

  it("raising the number replaces the generation, the provider and every object, and no secret", () => {
    const before = {
      secrets: ids(/randomPassword|randomBytes/),
      generation: ids(/randomId/),
      provider: ids(/providers:kubernetes/),
    };
    run("config", "set", "generation", "2");
    const { "provider-test-1": old, "provider-test-2": provider, ...operations } = previewed();
    expect({ old, provider }).to.deep.equal({ old: "delete", provider: "create" });
    expect(operations).to.include({ generation: "replace", space: "replace", map: "replace" });
    expect(Object.values(operations).filter((op) => op !== "replace" && op !== "same")).to.deep.equal([]);
    up(2);
    expect(ids(/randomPassword|randomBytes/), "secrets outlast the cluster").to.deep.equal(before.secrets);
    expect(ids(/randomId/)).not.to.deep.equal(before.generation);
    expect(ids(/providers:kubernetes/)).not.to.deep.equal(before.provider);
  });

  it("what the dead cluster had is forgotten, and nothing is deleted in the new one, which has the same address", () => {
    expect(rendered()).to.have.length(2);
  });

  it("a run that ended between the provider and an object: the next one makes that object anew, as those before it", () => {
    run("config", "set", "generation", "3");
    run("config", "set", "interrupted", "true");
    const ended = run("up", "--yes", "--skip-preview");
    expect(ended.stdout + ended.stderr).to.contain("the run ends here");
    expect(ended.status).not.to.equal(0);
    run("config", "set", "interrupted", "false");
    expect(previewed()).to.include({ map: "replace" });
    up(3);
    expect(rendered(), "nothing is deleted in the new cluster").to.have.length(2);
    const [provider] = Object.entries(ids(/providers:kubernetes/));
    expect(
      resources()
        .filter(({ type }) => type.startsWith("kubernetes:"))
        .map((object) => object.provider),
    ).to.deep.equal([provider.join("::"), provider.join("::")]);
  });

  it("a second run changes nothing", () => {
    const { status, stdout, stderr } = run("preview", "--expect-no-changes");
    expect(status, stdout + stderr).to.equal(0);
  });
});
