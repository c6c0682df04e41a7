import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { monitoringCrdsUrl } from "../components/monitoring/monitoring-crds";
import { gatewayApiUrl } from "../components/network/gateway-api";
import { mirroredFile } from "../config/mirror";
import { writeLock } from "../config/mirror-lock";
import { PACKAGES } from "../nodes/os/settings";
import { chooseAccelerator, type Accelerator } from "../sandbox/accelerator";
import { cloudImage, type CloudImage } from "../sandbox/cloud-image";
import { hypervisorImage } from "../sandbox/hypervisor";
import { debianImage } from "../sandbox/image";
import { offerStandInK3s } from "../sandbox/k3s";
import { gatewayApiBundle, monitoringBundle } from "./artefacts/bundles";
import { offerStandInCharts } from "./artefacts/charts";
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

/** Fills the mirror's folder, from which the rehearsal fetches all it needs, and writes its lock. */
export async function fillMirror(folder: string, { cloud }: Images, tell: Tell): Promise<Digests> {
  const homelab = plannedHomelab();
  const { versions } = homelab;
  tell("K3s");
  const k3s = await offerStandInK3s(folder, versions.k3s.version);
  tell("charts and CRDs");
  const digests = {
    k3s: k3s.sha256,
    cloudImage: cloud.sha256,
    gatewayApi: offer(folder, gatewayApiUrl(homelab), gatewayApiBundle(homelab)),
    prometheusOperatorCrds: offer(folder, monitoringCrdsUrl(homelab), monitoringBundle(homelab)),
  };
  const image = path.join(folder, mirroredFile(versions.cloudImage.url, cloud.sha256));
  if (!fs.existsSync(image)) {
    fs.mkdirSync(path.dirname(image), { recursive: true });
    fs.copyFileSync(cloud.file, `${image}.new`, fs.constants.COPYFILE_FICLONE);
    fs.renameSync(`${image}.new`, image);
  }
  writeLock(folder, { charts: await offerStandInCharts(homelab, folder), images: {}, files: {} });
  return digests;
}

/** Puts a text where machines look for the file of a URL; returns its sha256. */
function offer(folder: string, url: string, text: string): string {
  const sha256 = createHash("sha256").update(text).digest("hex");
  const file = path.join(folder, mirroredFile(url, sha256));
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  return sha256;
}
