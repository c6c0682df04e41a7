import { expect } from "chai";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import type * as http from "node:http";
import type * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";
import type { MirrorLock } from "../../config/mirror-lock";
import type { Artefacts } from "../../mirror/artefacts";
import { fillMirror, type FillOptions, type Outcome } from "../../mirror/fill";
import { mirrorServer } from "../../mirror/serve";
import type { RecordedResource } from "../../plan/record";
import { skipBecause } from "../support/skip";
import { missingTools, Upstream } from "./upstream";

const CHART = [
  "apiVersion: apps/v1",
  "kind: Deployment",
  "metadata: { name: it }",
  "spec:",
  "  template:",
  "    spec:",
  "      containers:",
  '        - { name: it, image: "quay.io/cilium/cilium:{{ .Values.tag }}" }',
  "",
].join("\n");

const resource = (type: string, name: string, inputs: Record<string, unknown>) =>
  ({ type, name, inputs }) as unknown as RecordedResource;

describe("filling a mirror", function () {
  this.timeout(60_000);
  let upstream: Upstream;
  let folder: string;
  let lock: MirrorLock;
  let artefacts: Artefacts;
  let binary: string;

  /** What the program makes: one object, one chart with a value of ours. */
  const recording = () => ({
    resources: [
      resource("kubernetes:apps/v1:Deployment", "own", {
        spec: { template: { spec: { containers: [{ image: "busybox:1.36" }] } } },
      }),
      resource("kubernetes:helm.sh/v4:Chart", "cilium", { chart: "cilium", values: { tag: "v9" } }),
    ],
    outputs: {},
  });
  const fill = async (options: Partial<FillOptions> = {}) => {
    const before = process.env.HOME;
    process.env.HOME = upstream.folder;
    try {
      return await fillMirror({
        artefacts,
        recording: recording(),
        folder,
        lock,
        fetch: true,
        images: false,
        ...options,
      });
    } finally {
      if (before === undefined) {
        delete process.env.HOME;
      } else {
        process.env.HOME = before;
      }
    }
  };
  const results = (outcomes: readonly Outcome[]) =>
    Object.fromEntries(outcomes.map(({ name, result }) => [name, result]));
  const reasonOf = (outcomes: readonly Outcome[], name: string) =>
    outcomes.find((outcome) => outcome.name === name)?.reason ?? "none";

  beforeEach(async () => {
    upstream = new Upstream();
    await upstream.start();
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-mirror-"));
    lock = { charts: {}, images: {}, files: {} };
    binary = upstream.put("releases/k3s", "the binary");
    upstream.put("releases/k3s-images.txt", "docker.io/rancher/mirrored-pause:3.6\n");
    const archive = chartArchive("9.0.0");
    const digest = upstream.put("charts/archives/cilium-9.0.0.tgz", archive);
    upstream.put(
      "charts/index.yaml",
      stringify({
        entries: { cilium: [{ version: "9.0.0", urls: ["archives/cilium-9.0.0.tgz"], digest }, { version: "8.0.0" }] },
      }),
    );
    artefacts = {
      files: [{ name: "versions.k3s", url: `${upstream.url}/releases/k3s`, sha256: binary }],
      imageLists: [{ name: "images of K3s", url: `${upstream.url}/releases/k3s-images.txt` }],
      charts: [{ name: "cilium", chart: "cilium", repo: `${upstream.url}/charts`, version: "9.0.0" }],
      kubernetes: "v1.32.5",
    };
  });
  afterEach(() => {
    upstream.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it("fetches files and charts once, records what has no digest, and asks upstream for nothing a second time", async () => {
    expect(results(await fill())).to.deep.equal({ "versions.k3s": "fetched", "cilium 9.0.0": "fetched" });
    expect(fs.readFileSync(path.join(folder, "files", binary, "k3s"), "utf8")).to.equal("the binary");
    expect(Object.keys(lock.charts)).to.deep.equal(["cilium-9.0.0"]);
    const asked = upstream.asked.length;
    expect(results(await fill())).to.deep.equal({ "versions.k3s": "present", "cilium 9.0.0": "present" });
    expect(upstream.asked).to.have.length(asked);
    expect(results(await fill({ fetch: false }))).to.deep.equal({
      "versions.k3s": "present",
      "cilium 9.0.0": "present",
    });
  });

  it("tries a busy upstream again", async () => {
    upstream.failures.set("/releases/k3s", 2);
    expect(results(await fill())["versions.k3s"]).to.equal("fetched");
  });

  it("keeps nothing of a file with another digest, says both digests, and fetches the rest", async () => {
    upstream.put("releases/k3s", "another binary");
    const outcomes = await fill();
    expect(results(outcomes)).to.deep.equal({ "versions.k3s": "failed", "cilium 9.0.0": "fetched" });
    expect(reasonOf(outcomes, "versions.k3s")).to.contain(`wanted is ${binary}`);
    expect(fs.readdirSync(path.join(folder, "files", binary))).to.deep.equal([]);
  });

  it("names a chart that upstream does not have, with what it has", async () => {
    artefacts = { ...artefacts, charts: [{ ...artefacts.charts[0], version: "7.0.0" }] };
    expect(reasonOf(await fill(), "cilium 7.0.0")).to.contain("has no cilium 7.0.0; its newest are: 9.0.0, 8.0.0");
  });

  it("refuses a release that upstream has replaced, and an archive that somebody changed", async () => {
    await fill();
    const archive = path.join(folder, "charts", "cilium-9.0.0.tgz");
    fs.appendFileSync(archive, "x");
    expect(reasonOf(await fill(), "cilium 9.0.0")).to.contain("somebody changed it");
    fs.rmSync(archive);
    const other = upstream.put("charts/archives/cilium-9.0.0.tgz", "another archive");
    upstream.put(
      "charts/index.yaml",
      stringify({ entries: { cilium: [{ version: "9.0.0", urls: ["archives/cilium-9.0.0.tgz"], digest: other }] } }),
    );
    expect(reasonOf(await fill(), "cilium 9.0.0")).to.contain("the release was replaced");
    expect(fs.existsSync(archive)).to.equal(false);
  });

  it("says what is missing and fetches nothing when it only checks", async () => {
    expect(results(await fill({ fetch: false }))).to.deep.equal({
      "versions.k3s": "missing",
      "cilium 9.0.0": "missing",
    });
    expect(upstream.asked).to.deep.equal([]);
  });

  it("a digest that the owner has not filled in is named", async () => {
    artefacts = { ...artefacts, files: [{ ...artefacts.files[0], sha256: "FILL_ME: see the release page" }] };
    expect(reasonOf(await fill(), "versions.k3s")).to.contain("placeholder");
  });

  describe("images, with the real skopeo, helm and registry", () => {
    let server: http.Server | undefined;
    const BUSYBOX = "docker.io/library/busybox:1.36";
    const CILIUM = "quay.io/cilium/cilium:v9";
    const PAUSE = "docker.io/rancher/mirrored-pause:3.6";

    beforeEach(async function () {
      const problem = missingTools(["skopeo", "helm", "docker-registry"]);
      if (problem) {
        skipBecause(this, problem);
      }
      await upstream.startRegistry();
      [BUSYBOX, CILIUM, PAUSE].forEach((image) => upstream.push(image, `content of ${image}`));
    });
    afterEach(() => {
      server?.closeAllConnections();
      server?.close();
      server = undefined;
    });

    it("come from objects, from charts as Helm renders them with our values, and from K3s' own list", async () => {
      const outcomes = await fill({ images: true });
      expect(results(outcomes)).to.include({ [BUSYBOX]: "fetched", [CILIUM]: "fetched", [PAUSE]: "fetched" });
      expect(Object.keys(lock.images)).to.have.members([BUSYBOX, CILIUM, PAUSE]);
      upstream.stopRegistry();
      expect(results(await fill({ images: true })), "without upstream").to.include({
        [BUSYBOX]: "present",
        [CILIUM]: "present",
        [PAUSE]: "present",
      });
    });

    it("a tag that was moved is refused against the lock, a lost layer is noticed", async () => {
      await fill({ images: true });
      upstream.push(BUSYBOX, "moved");
      fs.rmSync(path.join(folder, "images"), { recursive: true });
      expect(reasonOf(await fill({ images: true }), BUSYBOX)).to.contain("its tag was moved");
      const digest = lock.images[CILIUM];
      const manifest = JSON.parse(fs.readFileSync(blob(digest), "utf8")) as { layers: { digest: string }[] };
      fs.rmSync(blob(manifest.layers[0].digest));
      expect(results(await fill({ images: true, fetch: false }))[CILIUM]).to.equal("missing");
      expect(results(await fill({ images: true }))[CILIUM], "and fetched again").to.equal("fetched");
    });

    it("a digest is copied whole and needs no record to be believed", async () => {
      const digest = upstream.push("docker.io/library/pinned:2", "pinned");
      const pinned = {
        resources: [
          resource("kubernetes:core/v1:Pod", "own", { spec: { containers: [{ image: `pinned:2@${digest}` }] } }),
        ],
        outputs: {},
      };
      expect(results(await fill({ images: true, recording: pinned }))).to.include({
        [`docker.io/library/pinned:2@${digest}`]: "fetched",
      });
      expect(fs.existsSync(blob(digest))).to.equal(true);
    });

    it("are served so that a registry's client pulls them byte for byte, each from the registry that is meant", async () => {
      await fill({ images: true });
      server = mirrorServer(folder);
      await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as net.AddressInfo;
      const pulled = path.join(folder, "pulled");
      const copied = spawnAsync("skopeo", [
        ...["copy", "--src-tls-verify=false", "--preserve-digests"],
        ...[`docker://127.0.0.1:${port}/cilium/cilium:v9`, `dir:${pulled}`],
      ]);
      expect((await copied).status, (await copied).stderr).to.equal(0);
      expect(fs.readFileSync(path.join(pulled, "manifest.json"))).to.deep.equal(
        fs.readFileSync(blob(lock.images[CILIUM])),
      );
      const ask = async (target: string, method = "GET") =>
        (await fetch(`http://127.0.0.1:${port}${target}`, { method })).status;
      // As containerd asks.
      expect(await ask("/v2/library/busybox/manifests/1.36?ns=docker.io", "HEAD")).to.equal(200);
      expect(await ask("/v2/library/busybox/manifests/1.36?ns=quay.io", "HEAD"), "of another registry").to.equal(404);
      expect(await ask(`/v2/library/busybox/blobs/${lock.images[BUSYBOX]}`)).to.equal(200);
    });

    const blob = (digest: string) => path.join(folder, "images", "blobs", ...digest.split(":"));
  });

  describe("serving", () => {
    it("gives files and charts, and nothing else of this computer, and takes nothing", async () => {
      await fill();
      fs.writeFileSync(path.join(folder, "secret"), "secret");
      const server = mirrorServer(folder);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as net.AddressInfo;
      const raw = async (target: string, method = "GET") => {
        const { status, stdout } = await spawnAsync("curl", [
          ...["--path-as-is", "--silent", "--request", method, "--write-out", "%{http_code}", "--output", "/dev/null"],
          `http://127.0.0.1:${port}${target}`,
        ]);
        return status === 0 ? stdout : `curl ${status}`;
      };
      expect(await (await fetch(`http://127.0.0.1:${port}/files/${binary}/k3s`)).text()).to.equal("the binary");
      expect(await raw("/charts/cilium-9.0.0.tgz")).to.equal("200");
      expect(await raw("/v2/")).to.equal("200");
      for (const target of [
        "/secret",
        "/../../../../etc/passwd",
        "/charts/../secret",
        "/charts/%2e%2e%2fsecret",
        "/files/",
        "/",
        "/v2/../secret/manifests/1",
      ]) {
        expect(await raw(target), target).to.equal("404");
      }
      expect(await raw("/charts/cilium-9.0.0.tgz", "PUT")).to.equal("405");
      expect(await raw("/v2/a/blobs/uploads/", "POST")).to.equal("405");
      server.closeAllConnections();
      server.close();
    });
  });

  function chartArchive(version: string): Buffer {
    const work = fs.mkdtempSync(path.join(upstream.folder, "chart-"));
    fs.mkdirSync(path.join(work, "cilium", "templates"), { recursive: true });
    fs.writeFileSync(path.join(work, "cilium", "Chart.yaml"), stringify({ apiVersion: "v2", name: "cilium", version }));
    fs.writeFileSync(path.join(work, "cilium", "values.yaml"), "tag: default\n");
    fs.writeFileSync(path.join(work, "cilium", "templates", "it.yaml"), CHART);
    return spawnSync("tar", ["-C", work, "-czf", "-", "cilium"], { maxBuffer: 1 << 20 }).stdout;
  }
});

/** Not spawnSync: what it asks is served by this very process. */
async function spawnAsync(command: string, args: readonly string[]) {
  const { finished, start } = await import("../../sandbox/processes");
  return finished(start(command, args));
}
