import * as path from "node:path";
import { expect } from "chai";
import { finished } from "../../sandbox/processes";
import { root } from "../support/home";
import { StandIn, type Node } from "./stand-in";

const SERVER = "10.9.0.1";
const SUITE = path.join("test", "lifecycle", "cluster.test.ts");

/** Its tests need a control plane that may be filled and emptied; this one is in a network of its own. */
describe("the node commands' suite, on a real API server with its controllers and scheduler", function () {
  let standIn: StandIn;
  let server: Node;

  before(async function () {
    this.timeout(1_800_000);
    standIn = await StandIn.start(this, "lifecycle", [SERVER]);
    // Its own node is played by KWOK; the suite plays the kubelets of its nodes, and no pod of it may go elsewhere.
    server = standIn.configureServer("control", SERVER, { "node-taint": ["control=alone:NoExecute"] });
    await standIn.up(standIn.run(server));
  });
  after(async () => {
    await standIn?.end([server]);
  });

  it("passes, and skips nothing", async function () {
    this.timeout(1_200_000);
    const kubeconfig = path.join(server.etc, "k3s/k3s.yaml");
    const mocha = [process.execPath, require.resolve("mocha/bin/mocha.js"), "--reporter", "json", SUITE];
    const ran = await finished(standIn.inside(["env", "-C", root, `HOMELAB_TEST_KUBECONFIG=${kubeconfig}`, ...mocha]));
    const { stats, failures } = JSON.parse(ran.stdout.slice(ran.stdout.indexOf("{"))) as {
      stats: { passes: number; pending: number; duration: number };
      failures: { fullTitle: string; err: { message: string } }[];
    };
    expect(failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message}`)).to.deep.equal([]);
    expect(stats.pending).to.equal(0);
    expect(stats.passes).to.be.greaterThan(0);
    console.log(`      ${stats.passes} tests of ${SUITE} in ${(stats.duration / 1000).toFixed(0)} s`);
  });
});
