import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";
import type { Homelab } from "../../../config/homelab";
import { MIRRORED_IMAGES, mirroredChart, mirroredFile } from "../../../config/mirror";
import { chartKey, writeLock, type MirrorLock } from "../../../config/mirror-lock";
import { parseHomelab } from "../../../config/parse";
import { chartSources, type ChartName } from "../../../config/pins";
import { monitoringCrdsUrl } from "../../../components/monitoring/monitoring-crds";
import { gatewayApiUrl } from "../../../components/network/gateway-api";
import { k3sRelease } from "../../../nodes/k3s/node-step";
import { withMirror, type Decision } from "../../../rehearse/artefacts/decide";
import { homeConfig } from "../../support/home";

export const STACK = "house";
export const CHARTS = Object.keys(chartSources) as ChartName[];

const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");

/** A house of its own on the disk: its stack file with the digests of what is put into its mirror, and that mirror. */
export class MirroredHouse {
  /** Of the stack file and the lock. */
  public readonly root = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-house-"));
  public readonly mirror = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-mirror-"));
  public readonly lock: MirrorLock = { charts: {}, images: {}, files: {} };
  /** Changes as one likes; `write` writes it. */
  public readonly config = homeConfig() as { versions: any; [key: string]: any };

  public write(): void {
    const config = Object.fromEntries(Object.entries(this.config).map(([key, value]) => [`homelab:${key}`, value]));
    fs.writeFileSync(path.join(this.root, `Pulumi.${STACK}.yaml`), stringify({ config }));
    writeLock(this.root, this.lock);
  }

  public get homelab(): Homelab {
    return parseHomelab(this.config);
  }

  public decide(pods: boolean): Promise<Decision> {
    this.write();
    return withMirror({ folder: this.mirror, stack: STACK }, pods, this.root);
  }

  /** Puts a text there as the file of a URL; returns its sha256. */
  public file(url: string, content: string): string {
    const digest = sha256(content);
    this.put(mirroredFile(url, digest), content);
    return digest;
  }

  public put(name: string, content: string | Buffer): void {
    const file = path.join(this.mirror, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  }

  public k3s(content = "the real K3s"): void {
    const { k3s } = this.config.versions;
    k3s.sha256 = this.file(`${k3sRelease(k3s.version)}/k3s`, content);
  }

  public bundles(): void {
    const { versions } = this.config;
    versions.gatewayApi.sha256 = this.file(gatewayApiUrl(this.homelab), "real kinds of Gateway API");
    versions.prometheusOperatorCrds.sha256 = this.file(monitoringCrdsUrl(this.homelab), "real kinds of the operator");
  }

  /** An archive with one Deployment, of which the lock knows the digest; returns its path below the mirror. */
  public chart(name: ChartName): string {
    const version = this.homelab.versions.charts[name];
    const { chart } = chartSources[name];
    const work = fs.mkdtempSync(path.join(this.root, "chart-"));
    const templates = path.join(work, chart, "templates");
    fs.mkdirSync(templates, { recursive: true });
    fs.writeFileSync(path.join(work, chart, "Chart.yaml"), stringify({ apiVersion: "v2", name: chart, version }));
    const containers = [{ name: "it", image: `quay.io/real/${chart}:1` }];
    const object = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "{{ .Release.Name }}" } };
    fs.writeFileSync(
      path.join(templates, "it.yaml"),
      stringify({ ...object, spec: { template: { spec: { containers } } } }),
    );
    const archive = spawnSync("tar", ["-C", work, "-czf", "-", chart], { maxBuffer: 1 << 20 }).stdout;
    this.put(mirroredChart(name, version), archive);
    this.lock.charts[chartKey(name, version)] = sha256(archive);
    return mirroredChart(name, version);
  }

  /** The list of K3s' own images. */
  public imageList(text = "docker.io/rancher/mirrored-pause:3.6\n"): void {
    const url = `${k3sRelease(this.config.versions.k3s.version)}/k3s-images.txt`;
    this.lock.files[url] = this.file(url, text);
  }

  /** Complete images in the layout, each of one blob; references by digest are their own name. */
  public images(references: readonly string[]): void {
    const blob = (content: string) => {
      this.put(`${MIRRORED_IMAGES}/blobs/sha256/${sha256(content)}`, content);
      return { digest: `sha256:${sha256(content)}`, size: content.length };
    };
    const manifests = references.map((reference) => {
      const manifest = blob(JSON.stringify({ schemaVersion: 2, config: blob(`{"of":"${reference}"}`), layers: [] }));
      this.lock.images[reference] = manifest.digest;
      return { ...manifest, annotations: { "org.opencontainers.image.ref.name": reference } };
    });
    this.put(`${MIRRORED_IMAGES}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }));
  }

  /** Every file of the mirror with its digest and the time of its last change. */
  public listing(): string[] {
    return fs
      .readdirSync(this.mirror, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort()
      .map((file) => `${file} ${sha256(fs.readFileSync(file))} ${fs.statSync(file).mtimeMs}`);
  }

  public remove(): void {
    [this.root, this.mirror].forEach((folder) => fs.rmSync(folder, { recursive: true, force: true }));
  }
}
