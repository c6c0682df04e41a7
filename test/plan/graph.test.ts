import * as random from "@pulumi/random";
import { expect } from "chai";
import { OrderedComponent } from "../../components/ordered-component";
import { graphOf } from "../../plan/graph";
import { record } from "../../plan/record";

class Group extends OrderedComponent {
  public readonly inner: random.RandomId;

  public constructor(name: string, opts?: ConstructorParameters<typeof OrderedComponent>[2]) {
    super("homelab:test:Group", name, opts);
    this.inner = new random.RandomId(`${name}-inner`, { byteLength: 1 }, { parent: this });
    this.registerOutputs();
  }
}

describe("plan: graph", () => {
  it("children wait for what their component was told to wait for, at any depth", async () => {
    const recording = await record(() => {
      const first = new Group("first");
      const outer = new OrderedComponent("homelab:test:Outer", "outer", { dependsOn: first });
      new Group("deep", { parent: outer });
    });
    const [first, deep] = ["first-inner", "deep-inner"].map((name) =>
      recording.resources.find((resource) => resource.name === name),
    );
    expect(deep?.dependencies).to.include(first?.urn);
    expect(first?.dependencies).to.deep.equal([]);
  });

  it("orders steps after what they need, and names by name where nothing decides", async () => {
    const { steps } = graphOf(
      await record(() => {
        const c = new random.RandomId("c", { byteLength: 1 });
        new random.RandomId("a", { byteLength: 1 }, { dependsOn: c });
        new random.RandomId("b", { byteLength: 1 });
      }),
    );
    expect(steps.map(({ name }) => name)).to.deep.equal(["b", "c", "a"]);
  });

  it("shows a component's direct needs only, not those it has through another", async () => {
    const graph = graphOf(
      await record(() => {
        const one = new Group("one");
        const two = new Group("two", { dependsOn: one });
        new Group("three", { dependsOn: [one, two] });
      }),
    );
    const byName = new Map(graph.components.map((component) => [component.name, component]));
    const waitsFor = (name: string) =>
      byName.get(name)?.waitsFor.map((urn) => graph.components.find((component) => component.urn === urn)?.name);
    expect(waitsFor("three")).to.deep.equal(["two"]);
    expect(waitsFor("two")).to.deep.equal(["one"]);
  });
});
