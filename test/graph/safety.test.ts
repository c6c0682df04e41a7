import { expect } from "chai";
import { isSecret } from "../../plan/record";
import { mockState } from "../../plan/mock-state";
import { homeConfig } from "../support/home";
import { openTexts, recordedHome, recordedStack, revealed, type RecordedStack } from "../support/stack";

const SECRETS = {
  b2ApplicationKeyId: "b2-key-id-of-the-test",
  b2ApplicationKey: "b2-key-of-the-test",
  sshPrivateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nof-the-test\n-----END OPENSSH PRIVATE KEY-----\n",
  deadMansSwitch: "https://watch.example.org/ping-of-the-test",
  alerts: { phone: "topic-of-the-test" },
};

describe("graph: what could hurt", () => {
  let stack: RecordedStack;

  before(async () => {
    stack = await recordedStack("home", { ...homeConfig(), secrets: SECRETS });
  });

  it("every connection to a machine has its host key pinned", () => {
    const connections = stack.resources.flatMap((resource) =>
      "connection" in resource.inputs
        ? [{ name: resource.name, connection: revealed(resource.inputs.connection) }]
        : [],
    );
    expect(connections).to.have.length.greaterThan(20);
    for (const { name, connection } of connections) {
      expect((connection as { hostKey?: string }).hostKey, name)
        .to.be.a("string")
        .and.not.equal("");
    }
  });

  it("no secret stands in a command line, or in the open anywhere", () => {
    const generated = stack.ofType(/^random:index\/random(Password|Bytes)/).flatMap((resource) => {
      const { state } = mockState({ ...resource, custom: true, id: "" });
      return [state.result, state.base64, state.hex].filter((value) => typeof value === "string");
    });
    const chosen = [
      ...Object.values(SECRETS).filter((value) => typeof value === "string"),
      ...Object.values(SECRETS.alerts),
    ];
    const secrets = [...generated, ...chosen];
    expect(secrets).to.have.length.greaterThan(15);
    const leaks = stack.resources.flatMap((resource) =>
      [...openTexts(resource.inputs)]
        .filter(({ text }) => secrets.some((secret) => text.includes(secret)))
        .map(({ path }) => `${resource.name}${path}`),
    );
    expect(leaks).to.deep.equal([]);
  });

  it("commands hide their output, pass no variables and have no triggers, which would replace them", () => {
    for (const { name, inputs, additionalSecretOutputs } of stack.ofType(/^command:remote:Command$/)) {
      expect(inputs.logging, name).to.equal("none");
      expect(inputs.addPreviousOutputInEnv, name).to.equal(false);
      expect(inputs.triggers, name).to.equal(undefined);
      expect(inputs.environment, name).to.equal(undefined);
      expect(inputs.delete, name).to.equal(undefined);
      expect(additionalSecretOutputs, name).to.include.members(["stdout", "stderr"]);
      expect(inputs.create, name).to.match(/^(sudo -n )?timeout -k 10 \d+ /);
    }
  });

  it("everything in the cluster has the one provider and goes with the cluster generation", () => {
    const generation = stack.one(/^random:index\/randomId/, /generation/);
    const provider = stack.one(/^pulumi:providers:kubernetes$/, /./);
    const objects = stack.ofType(/^kubernetes:/);
    expect(objects).to.have.length.greaterThan(50);
    for (const object of objects) {
      const inherited = stack.lineage(object).find(({ deletedWith }) => deletedWith !== undefined)?.deletedWith;
      expect(inherited, object.name).to.equal(generation.urn);
      const given = object.provider ?? "inherited by the chart";
      expect(
        given === "inherited by the chart" ? object.remote : given.startsWith(`${provider.urn}::`),
        object.name,
      ).to.equal(true);
    }
  });

  it("nothing is deleted before it is replaced: a new generation would ask the dead cluster to do it", () => {
    expect(stack.ofType(/^kubernetes:batch\/v1:Job$/)).not.to.deep.equal([]);
    expect(
      stack.resources.filter(({ deleteBeforeReplace }) => deleteBeforeReplace).map(({ name }) => name),
    ).to.deep.equal([]);
  });

  it("nothing that must outlive the cluster goes with its generation", () => {
    for (const resource of stack.ofType(/^(random:index\/random(Password|Bytes)|b2:)/)) {
      const inherited = stack.lineage(resource).find(({ deletedWith }) => deletedWith !== undefined);
      expect(inherited?.name, resource.name).to.equal(undefined);
    }
  });

  it("stateful things are protected or retained", () => {
    const stateful = stack.ofType(
      /^(b2:index\/bucket:|random:index\/random(Password|Bytes)|kubernetes:core\/v1:PersistentVolume(Claim)?$)/,
    );
    expect(stateful).to.have.length.greaterThan(15);
    expect(
      stateful.filter(({ protect, retainOnDelete }) => !protect && !retainOnDelete).map(({ name }) => name),
    ).to.deep.equal([]);
  });

  it("Kubernetes secrets are secret in the state too", () => {
    for (const { name, inputs } of stack.ofType(/^kubernetes:core\/v1:Secret$/)) {
      const data = inputs.stringData ?? inputs.data;
      const leaves = isSecret(data) ? [] : Object.entries(data as Record<string, unknown>);
      expect(isSecret(data) || leaves.some(([, value]) => isSecret(value)), name).to.equal(true);
    }
  });

  it("component arguments are not stored, because they would be in clear", () => {
    const stored = stack.resources
      .filter(({ custom, remote, type }) => !custom && !remote && type.startsWith("homelab:"))
      .filter(({ inputs }) => Object.keys(inputs).length > 0);
    expect(stored.map(({ name }) => name)).to.deep.equal([]);
  });

  it("works for any stack name", async () => {
    const names = ({ resources }: RecordedStack) =>
      resources.map(({ name }) => name.replace(/^homelab-(home|somewhere-else)$/, "stack")).sort();
    expect(names(await recordedStack("somewhere-else", homeConfig()))).to.deep.equal(names(await recordedHome()));
  });
});
