import { expect } from "chai";
import { LocalWorkspace, type EngineEvent, type Stack } from "@pulumi/pulumi/automation";
import * as fs from "node:fs";
import * as path from "node:path";
import { parseHomelab } from "../../config/parse";
import { writeLock } from "../../config/mirror-lock";
import { offerStandInCharts } from "../../rehearse/artefacts/charts";
import { engineProblem } from "../../rehearse/deploy/engine/engine-problem";
import { MAIN, writeWorkspace } from "../../rehearse/deploy/engine/workspace";
import { removeFolder, temporaryFolder } from "../../sandbox/processes";
import { root } from "../support/home";
import { houseOfNobody, readOldState, type StateResource } from "../support/old-state";
import { skipBecause } from "../support/skip";

/** What would take something away, or make anew what is there. */
const LOSS = /^(delete|replace|create|discard|import)/;
/** The recording does not have what a provider finds in a chart, nor what the engine adds by itself. */
const UNRECORDED = /kubernetes:helm\.sh\/v4:Chart\$|::pulumi:providers:/;
/**
 * What has come since the recording: logins and a question to Longhorn, which take nothing's place, and another name of the
 * cluster's provider, which no object follows, because it is the same cluster.
 */
const NEW_SINCE =
  /^create .*::longhorn-upgrade(-apply)?$|^create .*\$pulumi-nodejs:dynamic\/homelab:HostLogin::|(^create .*\$pulumi:providers:kubernetes::k3s-provider-home-1|^delete .*\$pulumi:providers:kubernetes::k3s-provider)$/;

/**
 * A step whose text has changed runs again, so a preview does not know what it will say: neither the kubeconfig nor,
 * without it, anything of the cluster. So the cluster's provider works without one.
 */
function withoutACluster(program: string): void {
  const transform = `
    const { CLUSTER, withoutCluster } = require(${JSON.stringify(require.resolve("../support/old-state"))});
    require("@pulumi/pulumi").runtime.registerResourceTransform(({ type, props, opts }) =>
      type === CLUSTER ? { props: withoutCluster(props), opts } : undefined);\n`;
  fs.writeFileSync(program, transform + fs.readFileSync(program, "utf8"));
}

/**
 * A house that was built by an earlier program goes on with this one: a refactor moves no resource to another name, and
 * changes nothing that a provider can only change by making it anew. The state is the fixture of test/support/old-state.ts;
 * the engine and its providers are real, except Backblaze's.
 */
describe("the recorded state of the home stack, on a real engine", function () {
  this.timeout(600_000);
  let folder: string;
  let stack: Stack;

  before(async function () {
    const problem = engineProblem();
    if (problem) {
      skipBecause(this, problem);
    }
    folder = temporaryFolder("recorded");
    const mirror = path.join(folder, "mirror");
    const own = houseOfNobody() as { versions: Record<string, unknown> };
    const config = {
      ...own,
      versions: { ...own.versions, mirror: { url: "http://127.0.0.1:9", folder: mirror, lockFolder: mirror } },
    };
    fs.mkdirSync(mirror);
    const charts = await offerStandInCharts(parseHomelab(config), mirror);
    writeLock(mirror, { charts, images: {}, files: {} });
    const work = path.join(folder, "program");
    writeWorkspace(work, { program: root, stack: "home", config, notRehearsed: {} });
    withoutACluster(path.join(work, MAIN));
    fs.mkdirSync(path.join(folder, "state"));
    stack = await LocalWorkspace.createStack(
      { stackName: "home", workDir: work },
      {
        envVars: {
          PULUMI_BACKEND_URL: `file://${path.join(folder, "state")}`,
          PULUMI_CONFIG_PASSPHRASE: "only for this test",
          PULUMI_SKIP_UPDATE_CHECK: "true",
        },
      },
    );
  });
  after(() => {
    if (folder) {
      removeFolder(folder);
    }
  });

  /** Every operation of a preview, as `operation name`. */
  const preview = async (resources: readonly StateResource[]): Promise<string[]> => {
    const manifest = { time: "2026-01-01T00:00:00Z", magic: "", version: "" };
    await stack.importStack({ version: 3, deployment: { manifest, resources } });
    const seen: string[] = [];
    await stack.preview({
      onEvent: ({ resourcePreEvent: event }: EngineEvent) => {
        if (event && !UNRECORDED.test(event.metadata.urn)) {
          seen.push(`${event.metadata.op} ${event.metadata.urn.split("::").slice(2).join("::")}`);
        }
      },
    });
    return seen;
  };
  const losses = (operations: readonly string[]) =>
    operations.filter((operation) => LOSS.test(operation) && !NEW_SINCE.test(operation));

  it("previews without a replacement, a deletion or anything made anew", async () => {
    const operations = await preview(readOldState());
    const kept = operations.filter((operation) => !LOSS.test(operation)).length;
    console.log(`      ${kept} of ${operations.length} resources stay or are updated`);
    expect(losses(operations)).to.deep.equal([]);
    expect(kept).to.be.greaterThan(300);
  });

  it("and what would be lost is seen: a resource under another name, a field that can only be made anew", async () => {
    const resources = readOldState();
    const renamed = resources.find(({ urn }) => urn.endsWith("::sonarr") && urn.includes("apps/v1:Deployment"))!;
    renamed.urn = `${renamed.urn}-before`;
    const tier = resources.find(({ type }) => type === "kubernetes:storage.k8s.io/v1:StorageClass")!;
    for (const half of [tier.inputs, tier.outputs]) {
      half.provisioner = "somebody.example.org/else";
    }
    const lost = losses(await preview(resources));
    expect(lost.join("\n"))
      .to.match(/^delete .*::sonarr-before$/m)
      .and.to.match(/^create .*::sonarr$/m);
    expect(lost.filter((operation) => operation.startsWith("replace")).join("\n")).to.contain(
      tier.urn.split("::").pop(),
    );
  });
});
