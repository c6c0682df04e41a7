import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { mirroredChart, mirroredFile } from "../../../config/mirror";
import { mirroredChartIssues } from "../../../config/mirror-lock";
import { parseHomelab } from "../../../config/parse";
import { k3sRelease } from "../../../nodes/k3s/node-step";
import { artefactsOf } from "../../../mirror/artefacts";
import { fillMirror as look } from "../../../mirror/fill";
import { recordStack } from "../../../plan/program";
import { decisionKey, withMirror, withoutMirror, type Decision } from "../../../rehearse/artefacts/decide";
import { plannedHomelab, rehearsalConfig, stackFileConfig } from "../../../rehearse/config";
import { newIdentity } from "../../../rehearse/identity";
import { REHEARSED_CHARTS, chartLines, leftOut, notRehearsed, standIns } from "../../../rehearse/not-rehearsed";
import { requirements } from "../../../rehearse/preflight";
import { fillMirror } from "../../../rehearse/prepare";
import { skipBecause } from "../../support/skip";
import { missingTools } from "../../mirror/upstream";
import { CHARTS, MirroredHouse, STACK } from "./mirrored-house";

const rejected = async (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.fail("nothing was refused"),
    (error: Error) => error,
  );

/** Images that the rehearsal's program and the charts of its mirror name. */
async function wantedImages(house: MirroredHouse, { changes }: Decision): Promise<string[]> {
  const outcomes = await look({
    artefacts: artefactsOf(plannedHomelab(changes)),
    recording: await recordStack("rehearsal", stackFileConfig(changes)),
    folder: house.mirror,
    lock: house.lock,
    fetch: false,
    images: true,
  });
  return outcomes.filter(({ kind }) => kind === "image").map(({ name }) => name);
}

describe("npm run rehearse -- --mirror: what is real", function () {
  this.timeout(120_000);
  let house: MirroredHouse;
  const reasons = ({ choice }: Decision) => notRehearsed(choice);
  const because = (source: Decision["choice"]["k3s"]) => (typeof source === "object" ? source.standIn : source);

  beforeEach(() => (house = new MirroredHouse()));
  afterEach(() => house.remove());

  it("each chart and bundle that it holds as recorded; the others are stand-ins, each with its reason in the report", async () => {
    house.chart("loki");
    house.chart("cilium");
    const decision = await house.decide(true);
    const { choice } = decision;
    expect(CHARTS.filter((name) => choice.charts[name] === "real")).to.have.members(["loki", "cilium"]);
    const names = reasons(decision);
    expect(names).not.to.have.any.keys("loki", "cilium");
    expect(names.longhorn).to.equal(`stand-in chart, CRDs and names only: ${house.mirror} has no longhorn-1.6.2.tgz`);
    expect(names["oauth2-proxy-longhorn"]).to.contain("has no oauth2-proxy-7.7.1.tgz");
    expect(chartLines(choice)).to.include("loki: the real chart");
    const lines = standIns(choice).join("\n");
    expect(lines)
      .to.contain(`Gateway API: from the schemas of test/contracts: ${house.mirror} has no Gateway API v1.1.0`)
      .and.to.contain("has no CRDs of the Prometheus operator v0.85.0")
      .and.to.contain("etcd, compiled here: versions.k3s.sha256 is still to be filled in")
      .and.to.contain("Debian 12, because packages are in no mirror");

    house.bundles();
    const both = await house.decide(true);
    expect(both.choice.bundles).to.deep.equal({ gatewayApi: "real", prometheusOperatorCrds: "real" });
    expect(standIns(both.choice).join("\n")).not.to.contain("test/contracts");
  });

  it("versions are the stack's, and whatever has other bytes than were recorded is refused, all of it at once", async () => {
    house.config.versions.charts = { longhorn: "1.9.2" };
    house.k3s();
    house.bundles();
    const longhorn = house.chart("longhorn");
    const loki = house.chart("loki");
    const { versions } = plannedHomelab((await house.decide(false)).changes);
    expect(versions.charts.longhorn).to.equal("1.9.2");
    expect(versions.k3s.version).to.equal(house.config.versions.k3s.version);

    const { k3s, gatewayApi } = house.homelab.versions;
    const binary = mirroredFile(`${k3sRelease(k3s.version)}/k3s`, k3s.sha256);
    for (const file of [longhorn, loki, binary]) {
      fs.appendFileSync(path.join(house.mirror, file), "x");
    }
    const { name, message } = await rejected(house.decide(false));
    expect(name).to.equal("ConfigError");
    expect(message)
      .to.contain("3 mistakes")
      .and.to.contain(`${house.mirror}/${longhorn} with sha256`)
      .and.to.contain("versions.charts.loki")
      .and.to.contain(`K3s ${k3s.version} with sha256 ${k3s.sha256}`)
      .and.to.contain(`npm run mirror -- --stack ${STACK} --folder ${house.mirror}`)
      .and.not.to.contain(gatewayApi.sha256);
  });

  it("a chart of which no digest was recorded is not taken for real; the owner's record goes before the folder's own", async () => {
    const loki = house.chart("loki");
    const own = { ...house.lock, charts: { ...house.lock.charts } };
    house.lock.charts = {};
    const decision = await house.decide(true);
    expect(because(decision.choice.charts.loki)).to.equal("mirror.lock.yaml records no digest of loki-6.46.0.tgz");
    // The folder vouches for itself only where nobody else does.
    const inFolder = path.join(house.mirror, "mirror.lock.yaml");
    fs.writeFileSync(inFolder, JSON.stringify(own));
    expect((await house.decide(true)).choice.charts.loki).to.be.an("object");
    fs.rmSync(path.join(house.root, "mirror.lock.yaml"));
    const again = await withMirror({ folder: house.mirror, stack: STACK }, true, house.root);
    expect(again.choice.charts.loki).to.equal("real");
    expect(fs.existsSync(path.join(house.mirror, loki))).to.equal(true);
  });

  it("a folder that is not there, or holds nothing of the stack, is refused with how to fill it", async () => {
    const empty = await rejected(house.decide(true));
    expect(empty.name).to.equal("UserError");
    expect(empty.message)
      .to.contain(`${house.mirror} holds nothing that stack ${STACK} pins`)
      .and.to.contain(`npm run mirror -- --stack ${STACK} --folder ${house.mirror}`);
    const absent = await rejected(withMirror({ folder: "/nowhere/at/all", stack: STACK }, true, house.root));
    expect(absent.message).to.contain("/nowhere/at/all is no folder. Is it mounted?");
    const unknown = await rejected(withMirror({ folder: house.mirror, stack: "hose" }, true, house.root));
    expect(unknown.message).to.contain("Pulumi.hose.yaml");
  });

  it("a version that is neither held nor has a stand-in is refused before anything starts; held, it is real", async () => {
    house.config.versions.charts = { longhorn: "1.6.4" };
    house.chart("loki");
    const { name, message } = await rejected(house.decide(true));
    expect(name).to.equal("UserError");
    expect(message)
      .to.contain("no CRDs of longhorn-1.6.4 in test/contracts")
      .and.to.contain(`${house.mirror} has no longhorn-1.6.4.tgz`);
    house.chart("longhorn");
    expect((await house.decide(true)).choice.charts.longhorn).to.equal("real");
  });

  describe("K3s", () => {
    it("is real for nodes alone as soon as its binary is held, and its machines are larger", async () => {
      house.k3s();
      const nodes = await house.decide(false);
      expect(nodes.choice.k3s).to.equal("real");
      expect(standIns(nodes.choice, true).join("\n")).not.to.match(/K3s|KWOK|CRDs/);
      expect(leftOut(nodes.choice, true).join("\n")).to.contain("no node of this K3s is Ready");
      const homelab = plannedHomelab(nodes.changes);
      expect(nodes.sizes.workerMib).to.be.at.least(1536);
      expect(requirements(homelab, nodes.sizes).availableMemory).to.be.greaterThan(
        requirements(homelab).availableMemory,
      );
      expect(requirements(homelab, nodes.sizes).freeDisk).to.equal(requirements(plannedHomelab()).freeDisk);
      // Whole, it has pods, and these have no charts.
      const whole = await house.decide(true);
      expect(because(whole.choice.k3s)).to.match(
        /^pods of stand-in charts have no images, and there are 9 such charts: cilium, longhorn, certManager and 6 more$/,
      );
      expect(whole.sizes.workerMib).to.equal(1024);
    });

    it("of agents that an upgrade has left behind is needed, too", async () => {
      house.k3s();
      const agent = { version: "v1.32.4+k3s1", sha256: "" };
      house.config.versions.k3s.agent = agent;
      agent.sha256 = "a".repeat(64);
      const lacking = await house.decide(false).catch((error: Error) => error);
      expect(lacking).not.to.be.an("error");
      expect(because((lacking as Decision).choice.k3s)).to.equal(`${house.mirror} has no K3s v1.32.4+k3s1`);
      expect(plannedHomelab((lacking as Decision).changes).versions.k3s.agent).to.equal(undefined);
      agent.sha256 = house.file(`${k3sRelease(agent.version)}/k3s`, "the agents' K3s");
      const decision = await house.decide(false);
      expect(decision.choice.k3s).to.equal("real");
      expect(plannedHomelab(decision.changes).versions.k3s.agent).to.deep.equal(agent);
    });

    it("with pods needs every image: what lacks is counted and named", async function () {
      const problem = missingTools(["helm"]);
      if (problem) {
        skipBecause(this, problem);
      }
      house.k3s();
      house.bundles();
      // Tags: an image of a given digest cannot be made.
      house.config.versions.images = { blackboxExporter: "quay.io/prometheus/blackbox-exporter:v0.27.0" };
      REHEARSED_CHARTS.forEach((name) => house.chart(name));
      house.imageList();
      const lacking = await house.decide(true);
      expect(because(lacking.choice.k3s)).to.match(
        /^\d+ images are not complete in the mirror: \S+, \S+, \S+ and \d+ more$/,
      );
      expect(lacking.sizes.rootGib).to.equal(undefined);
      house.images(await wantedImages(house, lacking));
      const real = await house.decide(true);
      expect(because(real.choice.k3s)).to.equal("real");
      expect(reasons(real)).to.have.all.keys("cert-manager.io", "certificates-ready", "velero-location");
      expect(standIns(real.choice)).to.have.length(2);
      const homelab = plannedHomelab(real.changes);
      expect(requirements(homelab, real.sizes).freeDisk).to.be.greaterThan(100 * 2 ** 30);
      expect(homelab.controlPlane.vm?.memory).to.equal("4Gi");
      // One image short.
      fs.rmSync(path.join(house.mirror, "images/blobs/sha256", house.lock.images["quay.io/real/loki:1"].slice(7)));
      expect(because((await house.decide(true)).choice.k3s)).to.equal(
        "1 image is not complete in the mirror: quay.io/real/loki:1",
      );
    });
  });

  describe("the rehearsal's own mirror", () => {
    let own: string;
    const told: string[] = [];
    const cloud = () => {
      const file = path.join(house.root, "image.qcow2");
      fs.writeFileSync(file, "Debian");
      return { cloud: { file, sha256: "c".repeat(64), fresh: false } };
    };
    const fill = (decision: Decision) => fillMirror(own, cloud(), decision, (what) => told.push(what));
    beforeEach(() => (own = path.join(house.root, "own")));

    it("has what is real with its bytes, stand-ins for the rest, and a lock of both; the named one is only read", async () => {
      house.k3s();
      house.bundles();
      house.chart("loki");
      house.chart("cilium");
      house.images(["docker.io/library/busybox:1"]);
      const decision = await house.decide(false);
      const before = house.listing();
      const digests = await fill(decision);
      // As a stand-in later would be, over what was real.
      await fill({ ...decision, choice: { ...decision.choice, charts: withoutMirror().choice.charts } });
      expect(house.listing()).to.deep.equal(before);

      await fill(decision);
      const real = [mirroredChart("loki", "6.46.0"), mirroredChart("cilium", "1.17.18")];
      const { k3s, gatewayApi } = house.homelab.versions;
      for (const file of [...real, mirroredFile(`${k3sRelease(k3s.version)}/k3s`, k3s.sha256)]) {
        expect(
          fs.readFileSync(path.join(own, file)).equals(fs.readFileSync(path.join(house.mirror, file))),
          file,
        ).to.equal(true);
      }
      expect(fs.realpathSync(path.join(own, "images"))).to.equal(path.join(house.mirror, "images"));
      expect(digests).to.include({ k3s: k3s.sha256, gatewayApi: gatewayApi.sha256 });
      const config = rehearsalConfig({
        identity: newIdentity(["r730", "k3s1", "k3s3"]),
        digests,
        mirrorFolder: own,
        domainType: "kvm",
        changes: decision.changes,
      });
      const homelab = parseHomelab(config);
      expect(homelab.placeholders).to.deep.equal([]);
      expect(mirroredChartIssues(homelab, "/nowhere")).to.deep.equal([]);
      expect(homelab.versions.mirror?.url).to.equal("http://10.99.0.1:8470");
    });

    it("is not filled with a file that has changed since it was looked at", async () => {
      house.k3s();
      const loki = house.chart("loki");
      const decision = await house.decide(false);
      fs.appendFileSync(path.join(house.mirror, loki), "x");
      const { name, message } = await rejected(fill(decision));
      expect(name).to.equal("UserError");
      expect(message).to.contain(`${house.mirror}/${loki} changed while it was read`);
      expect(fs.readdirSync(path.join(own, "charts"))).to.deep.equal([]);
    });
  });

  it("an order begun with one choice is told from another: no mirror, more of it, another binary, other machines", async () => {
    house.chart("loki");
    const keys = [decisionKey(withoutMirror())];
    const add = async (pods: boolean) => keys.push(decisionKey(await house.decide(pods)));
    await add(true);
    house.chart("velero");
    await add(true);
    house.k3s();
    await add(false);
    house.k3s("another binary");
    await add(false);
    expect(new Set(keys).size, keys.join("\n")).to.equal(keys.length);
    expect(keys[0]).to.equal("");
    expect(decisionKey(await house.decide(false))).to.equal(keys.at(-1));
  });
});
