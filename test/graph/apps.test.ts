import { expect } from "chai";
import { GATEWAY_ACCESS_LABEL } from "../../components/network/names";
import { parseHomelab } from "../../config/parse";
import { notBackedUp } from "../../plan/owner";
import { edited, home, homeConfig } from "../support/home";
import { recordedHome, recordedStack, revealed, type RecordedStack } from "../support/stack";

type Manifest = {
  kind?: string;
  metadata: { name: string; namespace: string; labels?: Record<string, string> };
  spec: any;
  stringData?: Record<string, string>;
};

describe("graph: applications", () => {
  const homelab = home();
  let stack: RecordedStack;
  const manifests = (type: RegExp, of: RecordedStack = stack) =>
    of.ofType(type).map(({ inputs }) => revealed(inputs) as Manifest);
  const spaces = [...new Set(homelab.apps.map(({ namespace }) => namespace))];
  const ours = (all: Manifest[]) => all.filter(({ metadata }) => spaces.includes(metadata.namespace));

  before(async () => {
    stack = await recordedHome();
  });

  it("every volume is on its tier and says its backup class", () => {
    const claims = ours(manifests(/^kubernetes:core\/v1:PersistentVolumeClaim$/)).filter(
      ({ metadata }) => metadata.name !== "media",
    );
    const wanted = homelab.apps.flatMap(({ name, volumes }) =>
      Object.entries(volumes).map(([volume, { tier, size, backup }]) => [
        `${name}-${volume}`,
        homelab.storage.tiers[tier ?? homelab.storage.defaultTier].storageClass,
        size,
        backup,
      ]),
    );
    expect(
      claims.map(({ metadata, spec }) => [
        metadata.name,
        spec.storageClassName,
        spec.resources.requests.storage,
        metadata.labels?.["homelab/backup"],
      ]),
    ).to.have.deep.members(wanted);
    // Velero leaves these out as objects, too: a restore would bind them to volumes that are no more.
    const excluded = claims.filter(({ metadata }) => metadata.labels?.["velero.io/exclude-from-backup"] === "true");
    expect(excluded.map(({ metadata }) => metadata.name)).to.have.members(
      wanted.filter(([, , , backup]) => backup === "none").map(([name]) => name),
    );
    const whisparr = claims.find(({ metadata }) => metadata.name === "whisparr-config");
    expect(whisparr?.spec.storageClassName).to.equal(homelab.storage.tiers.optane.storageClass);
  });

  it("claims outlive the program", () => {
    const claims = stack
      .ofType(/^kubernetes:core\/v1:PersistentVolumeClaim$/)
      .filter(({ inputs }) => spaces.includes((revealed(inputs) as Manifest).metadata.namespace));
    expect(claims.length).to.be.greaterThan(10);
    expect(claims.filter(({ retainOnDelete }) => !retainOnDelete).map(({ name }) => name)).to.deep.equal([]);
  });

  it("one replica with a volume for one node is replaced by Recreate", () => {
    const deployments = ours(manifests(/^kubernetes:apps\/v1:Deployment$/));
    expect(deployments).to.have.length(homelab.apps.length - 1);
    for (const { metadata, spec } of deployments) {
      expect(spec.replicas, metadata.name).to.equal(1);
      expect(spec.strategy, metadata.name).to.deep.equal({ type: "Recreate" });
    }
    const [cron] = manifests(/^kubernetes:batch\/v1:CronJob$/);
    expect(cron.metadata.name).to.equal("recyclarr");
    expect(cron.spec.timeZone).to.equal("America/New_York");
  });

  it("slices of GPUs that are asked for are slices that are there", () => {
    const asked = (resource: string) =>
      ours(manifests(/^kubernetes:(apps\/v1:Deployment|batch\/v1:(Job|CronJob))$/))
        .map(({ spec }) => JSON.stringify(spec).match(new RegExp(`"${resource}":"(\\d+)"`)))
        .reduce((sum, match) => sum + Number(match?.[1] ?? 0), 0);
    const offered = (of: (worker: (typeof homelab.workers)[number]) => number | undefined) =>
      homelab.workers.reduce((sum, worker) => sum + (of(worker) ?? 0), 0);
    expect(asked("nvidia.com/gpu")).to.equal(3);
    expect(asked("nvidia.com/gpu")).to.be.at.most(offered(({ gpu }) => gpu?.slices));
    expect(asked("gpu.intel.com/i915")).to.equal(1);
    expect(asked("gpu.intel.com/i915")).to.be.at.most(offered(({ quickSync }) => quickSync?.sharedBy));
  });

  it("every route of an app has an access policy, and a proxied one leads to Authentik alone", () => {
    const routes = manifests(/HTTPRoute$/).filter(({ spec }) =>
      (spec.rules as { backendRefs?: unknown[] }[]).some(({ backendRefs }) => backendRefs),
    );
    const policies = Object.fromEntries(homelab.apps.map(({ name, access }) => [name, access?.policy]));
    const routed = routes.filter(({ metadata }) => Object.hasOwn(policies, metadata.name));
    expect(routed.map(({ metadata }) => metadata.name)).to.have.members(
      homelab.apps.filter(({ access }) => access).map(({ name }) => name),
    );
    for (const { metadata, spec } of routed) {
      const [{ name: backend }] = spec.rules[0].backendRefs as { name: string }[];
      expect(policies[metadata.name], metadata.name).to.be.oneOf(["oidc", "proxy", "app", "public"]);
      expect(backend, metadata.name).to.equal(policies[metadata.name] === "proxy" ? "authentik-server" : metadata.name);
    }
  });

  it("namespaces of apps are closed, and what an app may do is said before it runs", () => {
    const policies = stack.ofType(/CiliumNetworkPolicy$/);
    const named = (name: string) =>
      policies.filter(({ inputs }) => (revealed(inputs) as Manifest).metadata.name === name);
    const closed = (space: string) =>
      stack.one(/^kubernetes:networking\.k8s\.io\/v1:NetworkPolicy$/, new RegExp(`^${space}-default-deny$`));
    for (const { name, namespace } of homelab.apps.filter(({ schedule }) => schedule === undefined)) {
      const [policy] = named(name);
      const deployment = stack.one(/^kubernetes:apps\/v1:Deployment$/, new RegExp(`^${name}$`));
      expect(stack.waitsFor(deployment, policy), name).to.equal(true);
      expect(stack.waitsFor(deployment, closed(namespace)), `${name} in a closed namespace`).to.equal(true);
    }
  });

  it("the gateway does not reach an app behind the proxy, only Authentik's server does", () => {
    for (const { metadata, spec } of manifests(/CiliumNetworkPolicy$/)) {
      const app = homelab.apps.find(({ name }) => name === metadata.name);
      const text = JSON.stringify(spec.ingress ?? []);
      if (app?.access?.policy === "proxy") {
        expect(text, app.name).to.contain('"k8s:app.kubernetes.io/component":"server"').and.not.contain("ingress");
      }
    }
  });

  it("only namespaces of apps with a route of their own admit routes", () => {
    for (const { metadata } of manifests(/^kubernetes:core\/v1:Namespace$/)) {
      if (spaces.includes(metadata.name)) {
        expect(metadata.labels?.[GATEWAY_ACCESS_LABEL], metadata.name).to.equal("true");
        expect(metadata.labels?.["pod-security.kubernetes.io/enforce"], metadata.name).to.equal("baseline");
      }
    }
  });

  it("the pull of a model follows its server, ends by itself and is told apart from it", () => {
    const job = stack.one(/^kubernetes:batch\/v1:Job$/, /^ollama-pull/);
    const server = stack.one(/^kubernetes:apps\/v1:Deployment$/, /^ollama$/);
    expect(stack.waitsFor(job, server)).to.equal(true);
    const { spec } = revealed(job.inputs) as Manifest;
    expect(spec.activeDeadlineSeconds).to.be.lessThan(3600);
    expect(spec.template.metadata.labels["app.kubernetes.io/name"]).not.to.equal("ollama");
  });

  it("a job of an app without a port is made as well", async () => {
    const silent = await recordedStack(
      "home",
      edited((config) => {
        config.apps.tool = {
          namespace: "tools",
          image: { repository: "ghcr.io/example/tool", tag: "1.0" },
          jobs: { once: { command: ["true"] } },
        };
      }),
    );
    expect(silent.one(/^kubernetes:batch\/v1:Job$/, /^tool-once$/)).to.not.equal(undefined);
    const policy = silent.one(/CiliumNetworkPolicy$/, /^tool-once-policy$/);
    expect(JSON.stringify(policy.inputs)).not.to.contain("undefined");
  });

  it("an app that is added has its login, its certificate and its place in the proxy by that", async () => {
    const blueprintOf = (of: RecordedStack) =>
      JSON.stringify(revealed(of.one(/^kubernetes:core\/v1:Secret$/, /-blueprint$/).inputs));
    expect(blueprintOf(stack)).not.to.contain("application-tool");
    const grown = await recordedStack(
      "home",
      edited((config) => {
        config.apps.tool = {
          namespace: "tools",
          image: { repository: "ghcr.io/example/tool", tag: "1.0" },
          port: 8000,
          access: { policy: "proxy", groups: ["family"] },
        };
      }),
    );
    const text = blueprintOf(grown);
    for (const part of [
      "application-tool",
      "provider-tool",
      "https://tool.fletcherlabs.net",
      "http://tool.tools.svc.cluster.local:8000",
    ]) {
      expect(text).to.contain(part);
    }
    const added = grown.resources.filter(({ urn }) => !stack.resources.some((one) => one.urn === urn));
    const kinds = added.map(({ type }) => type.split(":").at(-1));
    expect(kinds).to.include.members(["Certificate", "HTTPRoute", "Deployment", "Service", "Namespace"]);
  });

  it("the plan says what is in no backup", () => {
    const lost = notBackedUp(homelab);
    expect(lost).to.deep.equal([
      "ollama: volume models, 100Gi",
      "automatic1111: volume models, 100Gi",
      "the media share, 30Ti",
    ]);
    const bare = parseHomelab({ ...homeConfig(), apps: {} });
    expect(notBackedUp(bare)).to.deep.equal(["the media share, 30Ti"]);
  });
});
