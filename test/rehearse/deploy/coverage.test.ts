import { expect } from "chai";
import { executorOf } from "../../../rehearse/deploy/executors";
import type { Executor } from "../../../rehearse/deploy/executors/executor";
import { Harness } from "../../../rehearse/deploy/harness";
import { mockState } from "../../../plan/mock-state";
import type { Run } from "../../../rehearse/deploy/steps";
import { recordedHome } from "../../support/stack";
import { filledIn } from "../../support/filled-in";
import { ProgramFolder } from "./programs";

const KUBECONFIG = `apiVersion: v1
kind: Config
clusters: [{ name: default, cluster: { server: "https://127.0.0.1:6443", certificate-authority-data: Y2E= } }]
users: [{ name: default, user: { client-certificate-data: Y2VydA==, client-key-data: a2V5 } }]
contexts: [{ name: default, context: { cluster: default, user: default } }]
current-context: default
`;

/**
 * The whole program in the SDK's own process, by way of the harness. The executors only note what they are asked for: its
 * machines are not here.
 */
describe("the harness and the whole home stack", function () {
  this.timeout(300_000);
  let run: Run;
  const chosen = new Map<string, string>();
  const begunTooEarly: string[] = [];

  before(async () => {
    const folder = new ProgramFolder("");
    const done = new Set<string>();
    const noted: Executor = async ({ urn, type, name, inputs, dependencies }, _old, { unchanged }) => {
      begunTooEarly.push(...dependencies.filter((need) => !done.has(need)).map((need) => `${name} before ${need}`));
      await new Promise((resolve) => setTimeout(resolve, 1));
      const { id, state } = mockState({ type, name, inputs });
      const stdout = name === "k3s-kubeconfig" ? { stdout: KUBECONFIG } : {};
      done.add(urn);
      return { outcome: unchanged ? "same" : "created", id, outputs: { ...state, ...stdout } };
    };
    const choose: typeof executorOf = (registration) => {
      const executor = executorOf(registration);
      chosen.set(registration.type, typeof executor === "object" ? executor.notRehearsed : "carried out");
      if (typeof executor === "object") {
        done.add((registration as { urn?: string }).urn ?? "");
        return executor;
      }
      return noted;
    };
    try {
      const stack = { ...folder.stack({ config: filledIn() }), name: "home", program: undefined };
      run = await new Harness(stack, { executorOf: choose }).up(() => undefined);
    } finally {
      folder.remove();
    }
  });

  it("runs to its end", () => {
    expect(run.errors).to.deep.equal([]);
    expect(run.ok).to.equal(true);
    expect(Object.keys(run.outputs)).to.include("kubeconfig");
  });

  it("every step of the plan is there, and nothing else", async () => {
    const { recording } = await recordedHome();
    const planned = recording.resources.filter(({ custom, remote }) => custom || remote);
    const name = ({ type, name }: { type: string; name: string }) => `${type} ${name}`;
    expect(run.steps.map(name).sort()).to.deep.equal(planned.map(name).sort());
  });

  it("nothing is begun before what it waits for is done", () => {
    expect(begunTooEarly).to.deep.equal([]);
  });

  it("every type is carried out, but those that a rehearsal cannot have", () => {
    const absent = [...chosen].filter(([, how]) => how !== "carried out");
    expect(Object.fromEntries(absent)).to.deep.equal({
      "b2:index/bucket:Bucket": "there is no Backblaze here",
      "b2:index/applicationKey:ApplicationKey": "there is no Backblaze here",
    });
  });
});
