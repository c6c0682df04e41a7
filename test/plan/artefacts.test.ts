import { expect } from "chai";
import { fromYaml } from "../../config/yaml";
import { artefactsOf } from "../../plan/artefacts";
import { changesInWords } from "../../plan/compare";
import { pictureOf } from "../../plan/picture";
import { MASK } from "../../plan/masking";
import { mockState } from "../../plan/mock-state";
import * as fs from "node:fs";
import * as path from "node:path";
import { edited, homeConfig, root } from "../support/home";
import { recordedHome, recordAnew, recordedStack, type RecordedStack } from "../support/stack";

const files = ({ recording, graph }: RecordedStack) => artefactsOf(recording, graph);

describe("plan: artefacts", () => {
  let stack: RecordedStack;
  let home: Map<string, string>;

  before(async () => {
    stack = await recordedHome();
    home = files(stack);
  });

  it("holds no secret, neither a generated nor a chosen one, nor what is derived from one", () => {
    const generated = stack.ofType(/^random:index\/random(Password|Bytes)/).flatMap((resource) => {
      const { state } = mockState({ ...resource, custom: true, id: "" });
      return [state.result, state.base64, state.hex].filter((value) => typeof value === "string");
    });
    const { b2ApplicationKey } = homeConfig().secrets as { b2ApplicationKey: string };
    for (const [path, text] of home) {
      for (const secret of [...generated, b2ApplicationKey, "PRIVATE KEY-----\n", "client-key-data"]) {
        expect(text.includes(secret), `${path} holds a secret`).to.equal(false);
      }
    }
    expect(home.get("manifests/velero/secret-velero-bucket.yaml")).to.contain(MASK);
  });

  it("shows each step of a machine in full, in the order of execution, with its secrets by name", () => {
    const steps = [...home.keys()].filter((path) => path.startsWith("hosts/k3s3/"));
    expect(steps).to.deep.equal([...steps].sort());
    const agent = home.get(steps[steps.length - 1]) ?? "";
    expect(agent).to.contain(`AGENT_TOKEN='${MASK}'`);
    expect(agent).to.contain("root-dir=/var/lib/rancher/k3s/agent/kubelet");
    expect(agent).not.to.contain("SERVER_TOKEN");
    expect(agent).to.match(/# end of step\n$/);
  });

  it("is the same to the byte in two runs", async () => {
    const second = await recordAnew("home", homeConfig());
    const again = files(second);
    expect(await pictureOf(second.graph)).to.equal(await pictureOf(stack.graph));
    expect([...again.keys()]).to.deep.equal([...home.keys()]);
    for (const [path, text] of home) {
      expect(again.get(path), path).to.equal(text);
    }
  });

  it("--against says in words what an edit of the config changes", async () => {
    const edit = (config: any) => {
      config.network.bgp = undefined;
      config.backup.schedules.hourly.keep = "24h";
    };
    const words = changesInWords(home, files(await recordedStack("home", edited(edit))));
    expect(words).to.contain("gone     ciliumbgpclusterconfig router (manifests/_cluster/");
    expect(words).to.contain("changed  schedule hourly in velero");
    expect(words).to.match(/- ttl: 48h0m0s|- ttl: 48h/);
    expect(words).to.contain("changed  chart cilium");
    expect(words).not.to.contain("longhorn");
    expect(changesInWords(home, home)).to.equal("Nothing changed.");
  });

  it("writes what Helm and Kubernetes read as it was meant: a text no, a mode, the beginning of a MAC address", () => {
    const values = { answer: "no", mode: "0400", beginning: "52:54:00" };
    const resources = stack.recording.resources.map((one) =>
      one.type === "kubernetes:helm.sh/v4:Chart" && one.name === "velero"
        ? { ...one, inputs: { ...one.inputs, values } }
        : one,
    );
    const text = artefactsOf({ ...stack.recording, resources }, stack.graph).get("charts/velero.yaml") ?? "";
    expect(fromYaml(text)[1]).to.deep.equal(values);
  });

  it("the README's picture is today's", async () => {
    const shown = fs.readFileSync(path.join(root, "docs", "graph.svg"), "utf8");
    expect(shown === (await pictureOf(stack.graph)), "run: npm run plan && cp out/home/graph.svg docs/").to.equal(true);
  });
});
