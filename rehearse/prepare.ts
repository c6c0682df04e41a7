import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { monitoringCrdsUrl } from "../components/monitoring/monitoring-crds";
import { gatewayApiUrl } from "../components/network/gateway-api";
import { MIRRORED_IMAGES, mirroredFile } from "../config/mirror";
import { chartKey, fileSha256, writeLock } from "../config/mirror-lock";
import type { ChartName } from "../config/pins";
import { PACKAGES } from "../nodes/os/settings";
import { UserError } from "../plan/user-error";
import { chooseAccelerator, type Accelerator } from "../sandbox/accelerator";
import { cloudImage, type CloudImage } from "../sandbox/cloud-image";
import { hypervisorImage } from "../sandbox/hypervisor";
import { debianImage } from "../sandbox/image";
import { offerStandInK3s } from "../sandbox/k3s";
import { gatewayApiBundle, monitoringBundle } from "./artefacts/bundles";
import { offerStandInCharts } from "./artefacts/charts";
import { realHoldings, type Decision } from "./artefacts/decide";
import type { Holding } from "./artefacts/holdings";
import { plannedHomelab, type Digests } from "./config";

/** Packages of the workers' image: what their bootstrap installs, for they reach no package mirror. */
export const WORKER_PACKAGES = [...PACKAGES, "nfs-kernel-server"] as const;
/** The same for the control plane, whose gates ask the cluster's DNS. */
const SERVER_PACKAGES = [...PACKAGES, "bind9-dnsutils"] as const;

/** What the machines are made of. */
export interface Images {
  accelerator: Accelerator;
  cloud: CloudImage;
  /** Tells these images from others. */
  key: string;
}

/** Says what is being made; it may take minutes. */
export type Tell = (what: string) => void;

/** Everything that needs the network outside, from the cache or made now. */
export async function prepareImages(tell: Tell): Promise<Images> {
  tell("image of the workers");
  const worker = await debianImage(WORKER_PACKAGES);
  tell("accelerator");
  const accelerator = await chooseAccelerator(worker);
  tell("image of the hypervisor");
  const hypervisor = await hypervisorImage();
  tell("cloud image of the control plane");
  const cloud = await cloudImage(SERVER_PACKAGES);
  // The path tells what an image was made of, the time which making it was: machines lie on top of that very one.
  const made = fs.statSync(worker.root).mtimeMs;
  return { accelerator, cloud, key: [worker.root, made, hypervisor, cloud.sha256].join(" ") };
}

/**
 * Fills the mirror's folder, from which the rehearsal fetches all it needs, with what is real and with stand-ins for the
 * rest, and writes its lock.
 */
export async function fillMirror(
  folder: string,
  { cloud }: Pick<Images, "cloud">,
  { choice, changes, mirror }: Decision,
  tell: Tell,
): Promise<Digests> {
  const homelab = plannedHomelab(changes);
  const { versions } = homelab;
  const real = mirror ? realHoldings(choice, mirror.holdings) : [];
  if (mirror) {
    tell(`what ${mirror.folder} holds`);
    real.forEach((holding) => copyHeld(mirror.folder, folder, holding));
    offerImages(mirror.folder, folder, choice.k3s === "real");
  }
  /** Digest of what is real already; undefined for what needs a stand-in. */
  const digestOf = (at: string) => real.find((holding) => holding.path === at)?.recorded;
  tell("K3s");
  const k3s = digestOf("versions.k3s.sha256") ?? (await offerStandInK3s(folder, versions.k3s.version)).sha256;
  tell("charts and CRDs");
  const digests = {
    k3s,
    cloudImage: cloud.sha256,
    gatewayApi:
      digestOf("versions.gatewayApi.sha256") ?? offer(folder, gatewayApiUrl(homelab), gatewayApiBundle(homelab)),
    prometheusOperatorCrds:
      digestOf("versions.prometheusOperatorCrds.sha256") ??
      offer(folder, monitoringCrdsUrl(homelab), monitoringBundle(homelab)),
  };
  const image = path.join(folder, mirroredFile(versions.cloudImage.url, cloud.sha256));
  if (!fs.existsSync(image)) {
    fs.mkdirSync(path.dirname(image), { recursive: true });
    fs.copyFileSync(cloud.file, `${image}.new`, fs.constants.COPYFILE_FICLONE);
    fs.renameSync(`${image}.new`, image);
  }
  const names = Object.keys(choice.charts) as ChartName[];
  const standIns = names.filter((name) => choice.charts[name] !== "real");
  const charts = await offerStandInCharts(homelab, folder, standIns);
  for (const name of names.filter((one) => choice.charts[one] === "real")) {
    charts[chartKey(name, versions.charts[name])] = digestOf(`versions.charts.${name}`) ?? "unknown";
  }
  writeLock(folder, { charts, images: {}, files: {} });
  return digests;
}

/**
 * Copies what a mirror holds; no link, because a stand-in that is later written under its name would be written into it.
 *
 * @throws UserError if it has become another file since it was looked at.
 */
function copyHeld(from: string, to: string, { file, recorded }: Holding): void {
  const target = path.join(to, file);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.copyFileSync(path.join(from, file), `${target}.new`, fs.constants.COPYFILE_FICLONE);
  if (fileSha256(`${target}.new`) !== recorded) {
    fs.rmSync(`${target}.new`);
    throw new UserError(`${path.join(from, file)} changed while it was read: wait until npm run mirror is done`);
  }
  fs.renameSync(`${target}.new`, target);
}

/** Images are many and large, and nothing is ever written below them here: a link. */
function offerImages(from: string, to: string, wanted: boolean): void {
  const link = path.join(to, MIRRORED_IMAGES);
  fs.rmSync(link, { force: true });
  if (wanted && fs.existsSync(path.join(from, MIRRORED_IMAGES))) {
    fs.symlinkSync(path.join(from, MIRRORED_IMAGES), link);
  }
}

/** Puts a text where machines look for the file of a URL; returns its sha256. */
function offer(folder: string, url: string, text: string): string {
  const sha256 = createHash("sha256").update(text).digest("hex");
  const file = path.join(folder, mirroredFile(url, sha256));
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  return sha256;
}
