import { expect } from "chai";
import { openNamespaces } from "../../components/isolation/default-deny";
import { platformPodSecurity, podSecurity } from "../../components/isolation/pod-security";
import { edited, home } from "../support/home";
import { podSecurityErrors } from "../support/pod-security";
import { ownPods } from "../support/pods";
import { recordedHome, recordedStack, type RecordedStack } from "../support/stack";

describe("graph: what pods may do", function () {
  // Whole stacks each; slow on a busy machine.
  this.timeout(120_000);
  let stack: RecordedStack;

  before(async () => {
    stack = await recordedHome();
  });

  const namespaces = () =>
    stack
      .ofType(/^kubernetes:core\/v1:Namespace$/)
      .map(({ inputs }) => inputs.metadata as { name: string; labels: Record<string, string> });

  it("every namespace enforces, warns and audits at a pinned version of the standards", () => {
    expect(namespaces().length).to.be.greaterThan(10);
    for (const { name, labels } of namespaces()) {
      const { level } = podSecurity(name);
      expect(labels, name).to.include({
        "pod-security.kubernetes.io/enforce": level,
        "pod-security.kubernetes.io/enforce-version": "v1.32",
        "pod-security.kubernetes.io/warn": level,
        "pod-security.kubernetes.io/warn-version": "v1.32",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/audit-version": "v1.32",
      });
    }
  });

  it("every exception from the strictest standard has its reason, and none stands for a namespace that is not made", () => {
    for (const { name } of namespaces()) {
      const { level, because } = podSecurity(name);
      expect((because ?? "").length > 20, name).to.equal(level !== "restricted");
    }
    expect(namespaces().map(({ name }) => name)).to.include.members(Object.keys(platformPodSecurity));
  });

  it("no app may live in a namespace of the platform or of Kubernetes, whose rules are others", () => {
    for (const name of [...Object.keys(platformPodSecurity), ...Object.keys(openNamespaces)]) {
      expect(() => home((config) => (config.apps.recyclarr.namespace = name)), name).to.throw(
        /apps\.recyclarr\.namespace/,
      );
    }
  });

  it("every pod that the program writes is admitted by its namespace", () => {
    const pods = ownPods(stack);
    expect(pods.length).to.be.greaterThan(14);
    for (const { pod, namespace, spec } of pods) {
      expect(podSecurityErrors(podSecurity(namespace).level, spec), pod).to.deep.equal([]);
    }
  });

  it("apps that run as the owner of the media need no exception but to make a new volume theirs", () => {
    const owners = home().apps.filter(({ runAs }) => runAs === "owner");
    expect(owners.length).to.be.greaterThan(3);
    for (const { name } of owners) {
      const found = ownPods(stack).find(({ labels }) => labels["app.kubernetes.io/name"] === name);
      const errors = podSecurityErrors("restricted", found?.spec);
      expect(
        errors.filter((error) => !error.startsWith("own-volumes: ")),
        name,
      ).to.deep.equal([]);
    }
  });

  it("what a namespace of apps would refuse, the configuration refuses before", () => {
    const spec = ownPods(stack).find(({ pod }) => pod === "sonarr")?.spec as { containers: object[] };
    for (const [name, refused] of [
      ["SYS_ADMIN", true],
      ["NET_ADMIN", true],
      ["ALL", true],
      ["CHOWN", false],
    ] as const) {
      const container = { securityContext: { capabilities: { add: [name] } } };
      const worse = { ...spec, containers: [{ ...spec.containers[0], ...container }] };
      expect(podSecurityErrors("baseline", worse), name).to.deep.equal(refused ? [`sonarr: capability ${name}`] : []);
      const configured = () => home((config) => (config.apps.sonarr.container = container));
      if (refused) {
        expect(configured, name).to.throw(/apps\.sonarr\.container/);
      } else {
        expect(configured, name).not.to.throw();
      }
    }
    const host = { ...spec, hostPID: true, volumes: [{ name: "root", hostPath: { path: "/" } }] };
    expect(podSecurityErrors("baseline", host)).to.have.members(["hostPID", "volume root: hostPath"]);
  });

  it("no pod of the program has a token that it does not use, nor has any namespace's default account", () => {
    for (const { pod, spec } of ownPods(stack)) {
      // The provisioner makes volumes, which is what its account is for.
      const needs = spec.serviceAccountName !== undefined;
      expect(spec.automountServiceAccountToken === false || needs, pod).to.equal(true);
    }
    const patched = stack
      .ofType(/^kubernetes:core\/v1:ServiceAccountPatch$/)
      .filter(({ inputs }) => inputs.automountServiceAccountToken === false)
      .map(({ inputs }) => inputs.metadata as { name: string; namespace: string });
    expect(patched.map(({ name, namespace }) => `${namespace}/${name}`)).to.have.members(
      namespaces().map(({ name }) => `${name}/default`),
    );
  });

  it("each namespace of apps has a quota that its apps fit into, and default limits for containers that state none", () => {
    const { apps } = home();
    const spaces = [...new Set(apps.map(({ namespace }) => namespace))];
    const quotas = stack.ofType(/^kubernetes:core\/v1:ResourceQuota$/).map(({ inputs }) => inputs) as {
      metadata: { namespace: string };
      spec: { hard: Record<string, string> };
    }[];
    expect(quotas.map(({ metadata }) => metadata.namespace)).to.have.members(spaces);
    for (const { metadata, spec } of quotas) {
      const inside = ownPods(stack).filter(({ namespace }) => namespace === metadata.namespace);
      const used = inside.map(({ spec: { containers } }) =>
        (containers as { resources: { limits: { memory: string } } }[])
          .map(({ resources }) => mebibytes(resources.limits.memory))
          .reduce((sum, each) => sum + each, 0),
      );
      const sum = used.reduce((total, each) => total + each, 0);
      expect(mebibytes(spec.hard["limits.memory"]), metadata.namespace).to.be.within(sum, sum + Math.max(...used));
      expect(Number(spec.hard.pods)).to.be.greaterThan(inside.length);
    }
    const limits = stack.ofType(/^kubernetes:core\/v1:LimitRange$/);
    expect(limits).to.have.length(spaces.length);
  });

  it("quotas follow the configuration", async () => {
    const tight = await recordedStack(
      "home",
      edited((config) => (config.cluster.quotas = { media: { memory: "40Gi", pods: 30 } })),
    );
    const quota = tight.one(/^kubernetes:core\/v1:ResourceQuota$/, /^media-/);
    expect((quota.inputs.spec as { hard: object }).hard).to.include({ "limits.memory": "40Gi", pods: "30" });
  });
});

function mebibytes(quantity: string): number {
  return Number(quantity.slice(0, -2)) * (quantity.endsWith("Gi") ? 1024 : 1);
}
