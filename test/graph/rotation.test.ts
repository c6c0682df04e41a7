import { expect } from "chai";
import { proxiedServices, platformClients } from "../../components/secrets";
import { difference } from "../support/difference";
import { edited, home } from "../support/home";
import { recordedHome, recordedStack, revealed, type RecordedStack } from "../support/stack";

const GENERATED = /^random:index\/random(Password|Bytes):/;

function rotated(group: string, number = 1): Promise<RecordedStack> {
  return recordedStack(
    "home",
    edited((config) => (config.cluster.rotations = { [group]: number })),
  );
}

describe("graph: secrets are rotated by a number", function () {
  // Whole stacks each; slow on a busy machine.
  this.timeout(120_000);
  let plain: RecordedStack;
  const { apps } = home();
  const oidcApps = apps.filter(({ access }) => access?.policy === "oidc").map(({ name }) => name);
  const keyedApps = apps.filter(({ secrets }) => Object.keys(secrets).length > 0).map(({ name }) => name);
  const proxies = proxiedServices.map((service) => `oauth2-proxy-${service}`);

  before(async () => {
    plain = await recordedHome();
  });

  const generated = (stack: RecordedStack) => stack.ofType(GENERATED).map(({ name }) => name);

  /** The hash by which a pod of the program, or a chart, restarts. */
  const restarts = (after: RecordedStack) => {
    const hashes = (stack: RecordedStack) =>
      new Map(
        stack.resources
          .filter(({ type }) => /^kubernetes:(helm\.sh\/v4:Chart|(apps|batch)\/v1:)/.test(type))
          .map(({ urn, name, inputs }) => [
            urn,
            { name, hash: [...JSON.stringify(revealed(inputs)).matchAll(/"homelab\/[a-z-]+-hash":"([^"]+)"/g)].join() },
          ]),
      );
    const old = hashes(plain);
    return [...hashes(after)].filter(([urn, { hash }]) => hash !== old.get(urn)?.hash).map(([, { name }]) => name);
  };

  for (const { group, secrets, restarted } of [
    {
      group: "clients",
      secrets: [...platformClients, ...oidcApps].map((client) => `secrets-oidc-${client}`),
      // Authentik's worker reads the blueprint anew.
      restarted: [...proxies, "kube-prometheus-stack", "authentik", ...oidcApps],
    },
    { group: "cookies", secrets: proxiedServices.map((service) => `secrets-cookie-${service}`), restarted: proxies },
    {
      group: "apps",
      secrets: ofApps(),
      restarted: keyedApps,
    },
  ]) {
    describe(group, () => {
      let after: RecordedStack;

      before(async () => {
        after = await rotated(group);
      });

      it("makes its secrets anew, and no other", () => {
        const { added, removed, changed } = difference(plain, after);
        expect([added, removed]).to.deep.equal([[], []]);
        expect(changed.filter((name) => generated(after).includes(name))).to.have.members(secrets);
        for (const name of secrets) {
          expect(after.one(GENERATED, new RegExp(`^${name}$`)).inputs.keepers, name).to.deep.equal({ rotation: "1" });
        }
      });

      it("can be made anew: what is replaced is no longer protected, everything else is", () => {
        const open = after.ofType(GENERATED).filter(({ protect }) => !protect);
        expect(open.map(({ name }) => name)).to.have.members(secrets);
        expect(plain.ofType(GENERATED).filter(({ protect }) => !protect)).to.deep.equal([]);
      });

      it("restarts what uses them, and nothing else", () => {
        expect(restarts(after)).to.have.members(restarted);
      });

      it("hands them on by Secrets, and touches nothing on a machine but the gate that waits for Authentik to know them", () => {
        const { changed } = difference(plain, after);
        const touched = after.resources.filter(
          ({ name, type }) => changed.includes(name) && /^(command:|pulumi-nodejs:|b2:)/.test(type),
        );
        expect(touched.map(({ name }) => name)).to.deep.equal(group === "clients" ? ["authentik-discovery-apply"] : []);
        expect(
          changed.some((name) => after.ofType(/:core\/v1:Secret$/).some((secret) => secret.name === name)),
        ).to.equal(true);
      });
    });
  }

  it("each number makes them anew again", async () => {
    const { changed } = difference(await rotated("cookies", 1), await rotated("cookies", 2));
    expect(changed).to.include.members(proxiedServices.map((service) => `secrets-cookie-${service}`));
  });

  it("what cannot be rotated so has no keepers: K3s' tokens, Velero's password, Authentik's key and database", () => {
    for (const name of [
      ...["k3s-server-token", "k3s-agent-token", "vm-host-key-seed", "velero-repository-password"],
      ...["authentik-secret-key", "authentik-database-password", "grafana-admin-password"],
    ]) {
      expect(plain.one(GENERATED, new RegExp(`^secrets-${name}$`)).inputs.keepers, name).to.equal(undefined);
    }
  });

  it("secrets rest encrypted in etcd: the API server of the control plane is started so, from its first day", () => {
    const [step] = plain
      .ofType(/^command:remote:Command$/)
      .map(({ inputs }) => String(revealed(inputs.stdin)))
      .filter((text) => text.includes("cluster-init: true"));
    expect(step).to.match(/^secrets-encryption: true$/m);
  });

  function ofApps(): string[] {
    const keys = apps.flatMap(({ name, secrets }) =>
      Object.values(secrets).map((key) => (key.includes(".") ? key : `${name}.${key}`)),
    );
    return [...new Set(keys)].map((key) => `secrets-app-${key.replace(".", "-")}`);
  }
});
