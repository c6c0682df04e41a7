import { expect } from "chai";
import type { BudgetFacts } from "../../lifecycle/facts";
import { planDrain } from "../../lifecycle/pods";
import { selects } from "../../lifecycle/selector";
import { pod } from "./facts";

const budget = (name: string, more: Partial<BudgetFacts> = {}): BudgetFacts => ({
  namespace: "media",
  name,
  selector: { matchLabels: { app: "jellyfin" } },
  desiredHealthy: 1,
  expectedPods: 2,
  ...more,
});

describe("what a drain does with pods", () => {
  it("evicts what a controller makes again, and leaves what belongs to the node", () => {
    const { evict, stay, refusals } = planDrain(
      [
        pod("jellyfin"),
        pod("exporter", { controller: "DaemonSet" }),
        pod("static", { mirror: true, controller: "Node" }),
        pod("instance-manager-1", {
          namespace: "longhorn-system",
          controller: "InstanceManager",
          labels: { "longhorn.io/component": "instance-manager" },
        }),
        pod("job-done", { controller: undefined, finished: true }),
        pod("leaving", { controller: undefined, terminating: true }),
      ],
      [],
    );
    expect(evict.map(({ name }) => name)).to.deep.equal(["jellyfin", "job-done", "leaving"]);
    expect(stay.map(({ pod: { name }, why }) => `${name}: ${why}`)).to.deep.equal([
      "exporter: of a DaemonSet",
      "static: a static pod of the kubelet",
      "instance-manager-1: Longhorn ends it itself",
    ]);
    expect(refusals).to.deep.equal([]);
  });

  it("refuses a pod that nobody would make again, with the command that ends it", () => {
    const [refusal] = planDrain([pod("debug", { controller: undefined })], []).refusals;
    expect(refusal.what).to.equal("pod media/debug");
    expect(refusal.wayOut).to.contain("kubectl -n media delete pod debug");
  });

  it("refuses a budget that demands every pod, however often the pod is asked for", () => {
    const [refusal, ...more] = planDrain(
      [pod("jellyfin"), pod("jellyfin-2", { labels: { app: "jellyfin" } })],
      [budget("all", { desiredHealthy: 2, expectedPods: 2 })],
    ).refusals;
    expect(refusal.what).to.equal("PodDisruptionBudget media/all");
    expect(refusal.why).to.contain("2 healthy of 2 pods");
    expect(more, "said once").to.deep.equal([]);
  });

  it("waits for a budget that will allow it, and for budgets of others", () => {
    const other = { desiredHealthy: 1, expectedPods: 1 };
    expect(
      planDrain(
        [pod("jellyfin")],
        [
          budget("one"),
          budget("elsewhere", { namespace: "web", ...other }),
          budget("no-selector", { selector: undefined, ...other }),
        ],
      ).refusals,
    ).to.deep.equal([]);
  });

  it("refuses a pod with two budgets, which the API never evicts", () => {
    const [refusal] = planDrain([pod("jellyfin")], [budget("one"), budget("two")]).refusals;
    expect(refusal.why).to.contain("2 PodDisruptionBudgets (one, two)");
  });

  it("does not take Longhorn's own budgets for obstacles", () => {
    const manager = pod("instance-manager-1", {
      namespace: "longhorn-system",
      labels: { "longhorn.io/component": "instance-manager" },
    });
    const own = budget("instance-manager-1", {
      namespace: "longhorn-system",
      selector: { matchLabels: { "longhorn.io/component": "instance-manager" } },
      desiredHealthy: 1,
      expectedPods: 1,
    });
    expect(planDrain([manager], [own]).refusals).to.deep.equal([]);
  });
});

describe("label selectors", () => {
  const labels = { app: "web", tier: "front" };
  const expression = (key: string, operator: string, values?: string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });

  it("follow the rules of the API", () => {
    expect(selects(undefined, labels), "none").to.equal(false);
    expect(selects({}, labels), "empty").to.equal(true);
    expect(selects({ matchLabels: { app: "web", tier: "back" } }, labels)).to.equal(false);
    expect(selects(expression("app", "In", ["web", "api"]), labels)).to.equal(true);
    expect(selects(expression("app", "NotIn", ["web"]), labels)).to.equal(false);
    expect(selects(expression("zone", "NotIn", ["a"]), labels), "absent is not in").to.equal(true);
    expect(selects(expression("zone", "In", ["a"]), labels)).to.equal(false);
    expect(selects(expression("tier", "Exists"), labels)).to.equal(true);
    expect(selects(expression("tier", "DoesNotExist"), labels)).to.equal(false);
    expect(() => selects(expression("tier", "Like"), labels)).to.throw("unknown operator 'Like'");
  });
});
