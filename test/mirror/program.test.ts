import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parse } from "yaml";
import { REGISTRIES } from "../../config/mirror";
import {
  chartKey,
  fileSha256,
  mirroredChartIssues,
  readLock,
  writeLock,
  type MirrorLock,
} from "../../config/mirror-lock";
import { chartSources, type ChartName } from "../../config/pins";
import { artefactsOf } from "../../mirror/artefacts";
import { imagesOfObjects } from "../../mirror/rendered";
import { registriesYaml } from "../../nodes/k3s/registries";
import { edited, home } from "../support/home";
import { recordedHome, recordedStack, revealed } from "../support/stack";

const MIRROR = { url: "http://192.168.10.100:8470", folder: "/mnt/mirror" };
const withMirror = (config: { versions: { mirror?: object } }) => (config.versions.mirror = MIRROR);

describe("a mirror in the configuration", function () {
  // The whole program, twice; slow on a busy machine.
  this.timeout(120_000);
  it("replaces upstream everywhere: nothing of the whole program names an upstream URL of an artefact any more", async () => {
    const upstream = artefactsOf(home()).files.map(({ url }) => url);
    const texts = (stack: Awaited<ReturnType<typeof recordedHome>>) =>
      JSON.stringify(stack.resources.map(({ inputs }) => revealed(inputs)));
    const direct = texts(await recordedHome());
    expect(
      upstream.filter((url) => direct.includes(url)),
      "seen without a mirror",
    ).to.deep.equal(upstream);

    const mirrored = await recordedStack("mirrored", edited(withMirror));
    const text = texts(mirrored);
    expect(upstream.filter((url) => text.includes(url))).to.deep.equal([]);
    expect(Object.values(chartSources).filter(({ repo }) => text.includes(repo))).to.deep.equal([]);
    const charts = mirrored.ofType(/^kubernetes:helm.sh\/v4:Chart$/);
    expect(charts).to.have.length.greaterThan(10);
    for (const { name, inputs } of charts) {
      expect(inputs.chart, name).to.match(/^\/mnt\/mirror\/charts\/[a-z0-9-]+-v?[0-9.]+\.tgz$/);
      expect(inputs.repositoryOpts, name).to.equal(undefined);
    }
  });

  it("every registry of an image that the program names is told to the nodes", async () => {
    const stack = await recordedHome();
    const registries = new Set([...imagesOfObjects(stack.recording)].map((image) => image.split("/")[0]));
    expect(registries.size).to.be.greaterThan(0);
    expect([...registries].filter((registry) => !(REGISTRIES as readonly string[]).includes(registry))).to.deep.equal(
      [],
    );
  });

  it("nodes ask it first for every image; without one the file says so and leaves nothing behind", () => {
    const { mirrors } = parse(registriesYaml(home(withMirror))) as {
      mirrors: Record<string, { endpoint: string[] }>;
    };
    expect(Object.keys(mirrors)).to.include.members(["docker.io", "quay.io", "registry.k8s.io", "ghcr.io", "nvcr.io"]);
    expect(new Set(Object.values(mirrors).flatMap(({ endpoint }) => endpoint))).to.deep.equal(new Set([MIRROR.url]));
    expect(parse(registriesYaml(home()))).to.deep.equal({ mirrors: {} });
  });

  describe("charts, before anything is touched", () => {
    let folder: string;
    let lock: MirrorLock;
    const homelab = () => home((config) => (config.versions.mirror = { ...MIRROR, folder }));
    const issues = () => mirroredChartIssues(homelab(), folder);

    beforeEach(() => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-mirror-"));
      fs.mkdirSync(path.join(folder, "charts"));
      lock = { charts: {}, images: {}, files: {} };
      const { versions } = home();
      for (const name of Object.keys(chartSources) as ChartName[]) {
        const key = chartKey(name, versions.charts[name]);
        const file = path.join(folder, "charts", `${key}.tgz`);
        fs.writeFileSync(file, `the archive of ${key}`);
        lock.charts[key] = fileSha256(file);
      }
      writeLock(folder, lock);
    });
    afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

    it("are accepted if each is as it was recorded", () => {
      expect(issues()).to.deep.equal([]);
    });

    it("that are missing, changed or never recorded are all named at once, with what to do", () => {
      fs.rmSync(path.join(folder, "charts", "cilium-1.17.18.tgz"));
      fs.appendFileSync(path.join(folder, "charts", "velero-11.4.0.tgz"), " changed");
      delete lock.charts["longhorn-1.6.2"];
      writeLock(folder, lock);
      const found = issues();
      expect(found.map((issue) => issue.path)).to.have.members([
        "versions.charts.cilium",
        "versions.charts.velero",
        "versions.charts.longhorn",
      ]);
      const of = (name: string) => JSON.stringify(found.find((issue) => issue.path.endsWith(name)));
      expect(of("cilium")).to.contain("no /").and.to.contain("run npm run mirror");
      expect(of("velero")).to.contain("somebody changed the archive");
      expect(of("longhorn")).to.contain("records no digest");
    });

    it("a lock that is none is refused by name, and what is written is read back", () => {
      expect(readLock(folder)).to.deep.equal(lock);
      fs.writeFileSync(path.join(folder, "mirror.lock.yaml"), "charts: [a]\nimagse: {}\n");
      expect(() => readLock(folder)).to.throw(/mirror.lock.yaml: imagse, charts/);
    });

    it("are not looked at without a mirror", () => {
      expect(mirroredChartIssues(home(), "/nowhere")).to.deep.equal([]);
    });
  });
});
