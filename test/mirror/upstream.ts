import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";

/** Tools without which no image can be mirrored here; undefined if all are there. */
export function missingTools(tools: readonly string[]): string | undefined {
  const missing = tools.filter((tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0);
  return missing.length === 0 ? undefined : `needs ${missing.join(", ")} on PATH`;
}

/** A place on this machine that plays upstream: files and a Helm repository over HTTP, and a real registry. */
export class Upstream {
  public readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-upstream-"));
  /** Paths that were asked for, in order. */
  public readonly asked: string[] = [];
  /** Answers that fail before one succeeds, by path. */
  public readonly failures = new Map<string, number>();
  private server?: http.Server;
  private registry?: ChildProcess;
  private registryPort = 0;

  public async start(): Promise<void> {
    this.server = http.createServer((request, response) => {
      const target = request.url ?? "/";
      this.asked.push(target);
      const left = this.failures.get(target) ?? 0;
      const file = path.join(this.folder, decodeURIComponent(target));
      if (left > 0) {
        this.failures.set(target, left - 1);
        response.writeHead(503).end();
      } else if (fs.existsSync(file)) {
        response.writeHead(200, { "content-length": fs.statSync(file).size });
        fs.createReadStream(file).pipe(response);
      } else {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => this.server?.listen(0, "127.0.0.1", resolve));
  }

  public get url(): string {
    return `http://127.0.0.1:${(this.server?.address() as net.AddressInfo).port}`;
  }

  /** Puts a file there and returns its digest. */
  public put(name: string, content: string | Buffer): string {
    const file = path.join(this.folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return createHash("sha256").update(content).digest("hex");
  }

  /**
   * Debian's docker-registry, and a configuration with which skopeo takes docker.io and quay.io to be there, if its
   * HOME is this folder.
   */
  public async startRegistry(): Promise<void> {
    this.registryPort = await freePort();
    const config = path.join(this.folder, "registry.yml");
    fs.writeFileSync(
      config,
      [
        "version: 0.1",
        "log: { level: error }",
        `storage: { filesystem: { rootdirectory: ${path.join(this.folder, "registry")} } }`,
        `http: { addr: "127.0.0.1:${this.registryPort}" }`,
        "",
      ].join("\n"),
    );
    this.registry = spawn("docker-registry", ["serve", config], { stdio: "ignore" });
    for (let attempt = 0; attempt < 100; attempt++) {
      const answers = await fetch(`http://127.0.0.1:${this.registryPort}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (answers) {
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const entry = (name: string) =>
      `[[registry]]\nprefix = "${name}"\nlocation = "127.0.0.1:${this.registryPort}/${name}"\ninsecure = true\n`;
    this.put(".config/containers/registries.conf", ["docker.io", "quay.io"].map(entry).join(""));
  }

  /** Pushes an image of one layer, whose file holds the text; returns the digest of its manifest. */
  public push(reference: string, text: string): string {
    const work = fs.mkdtempSync(path.join(this.folder, "image-"));
    fs.writeFileSync(path.join(work, "file"), text);
    const layer = path.join(work, "layer.tar");
    spawnSync("tar", ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-C", work, "-cf", layer, "file"]);
    const blobs = path.join(work, "layout", "blobs", "sha256");
    fs.mkdirSync(blobs, { recursive: true });
    const add = (content: Buffer) => {
      const digest = createHash("sha256").update(content).digest("hex");
      fs.writeFileSync(path.join(blobs, digest), content);
      return { digest: `sha256:${digest}`, size: content.length };
    };
    const json = (value: unknown) => Buffer.from(JSON.stringify(value));
    const tar = add(fs.readFileSync(layer));
    const config = add(
      json({
        architecture: "amd64",
        os: "linux",
        config: {},
        rootfs: { type: "layers", diff_ids: [tar.digest] },
        history: [],
      }),
    );
    const manifest = add(
      json({
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
        layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...tar }],
      }),
    );
    fs.writeFileSync(path.join(work, "layout", "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    fs.writeFileSync(
      path.join(work, "layout", "index.json"),
      JSON.stringify({
        schemaVersion: 2,
        manifests: [
          {
            mediaType: "application/vnd.oci.image.manifest.v1+json",
            ...manifest,
            annotations: { "org.opencontainers.image.ref.name": "it" },
          },
        ],
      }),
    );
    const target = `docker://127.0.0.1:${this.registryPort}/${reference}`;
    const pushed = spawnSync(
      "skopeo",
      ["copy", "--preserve-digests", "--dest-tls-verify=false", `oci:${path.join(work, "layout")}:it`, target],
      { encoding: "utf8" },
    );
    if (pushed.status !== 0) {
      throw new Error(pushed.stderr);
    }
    return manifest.digest;
  }

  public stopRegistry(): void {
    this.registry?.kill("SIGKILL");
    this.registry = undefined;
  }

  public stop(): void {
    this.stopRegistry();
    this.server?.closeAllConnections();
    this.server?.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
