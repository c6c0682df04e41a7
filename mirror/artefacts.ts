import type { Homelab } from "../config/homelab";
import { chartSources, type ChartName } from "../config/pins";
import { gatewayApiUrl } from "../components/network/gateway-api";
import { monitoringCrdsUrl } from "../components/monitoring/monitoring-crds";
import { k3sBinary, k3sRelease } from "../nodes/k3s/node-step";

/** A file that machines download; its digest stands in the configuration, or in the lock once it was recorded. */
export interface FileArtefact {
  /** Key path of the digest, or what the file is. */
  name: string;
  url: string;
  /** 64 hexadecimal digits; undefined: the lock's. */
  sha256?: string;
}

/** A Helm chart's archive. */
export interface ChartArtefact {
  name: ChartName;
  chart: string;
  repo: string;
  version: string;
}

/** Everything that a mirror must hold, but for the images, which only the program and its charts know. */
export interface Artefacts {
  files: readonly FileArtefact[];
  /** Lists of the images that K3s itself brings in, one reference a line. */
  imageLists: readonly FileArtefact[];
  charts: readonly ChartArtefact[];
  /** Release that charts are rendered for, such as v1.32.5. */
  kubernetes: string;
}

export function artefactsOf(homelab: Homelab): Artefacts {
  return {
    files: pinnedFiles(homelab),
    imageLists: imageLists(homelab),
    charts: pinnedCharts(homelab),
    kubernetes: homelab.versions.k3s.version.replace(/\+.*/, ""),
  };
}

/** Every file with a digest in the configuration that a rebuild downloads, without packages of the distributions. */
function pinnedFiles(homelab: Homelab): FileArtefact[] {
  const { versions, controlPlane } = homelab;
  const server = k3sBinary(homelab, "server");
  const agent = k3sBinary(homelab, "agent");
  return [
    { name: "versions.k3s", url: server.url, sha256: server.sha256 },
    ...(agent.sha256 === server.sha256 ? [] : [{ name: "versions.k3s.agent", url: agent.url, sha256: agent.sha256 }]),
    ...(controlPlane.vm ? [{ name: "versions.cloudImage", ...versions.cloudImage }] : []),
    { name: "versions.gatewayApi", url: gatewayApiUrl(homelab), sha256: versions.gatewayApi.sha256 },
    {
      name: "versions.prometheusOperatorCrds",
      url: monitoringCrdsUrl(homelab),
      sha256: versions.prometheusOperatorCrds.sha256,
    },
  ];
}

/** One for each release of K3s in use. */
function imageLists({ versions: { k3s } }: Homelab): FileArtefact[] {
  const releases = new Set([k3s.version, ...(k3s.agent ? [k3s.agent.version] : [])]);
  return [...releases].map((version) => ({
    name: `images of K3s ${version}`,
    url: `${k3sRelease(version)}/k3s-images.txt`,
  }));
}

/** Every chart at its pinned version. */
function pinnedCharts({ versions }: Homelab): ChartArtefact[] {
  return (Object.keys(chartSources) as ChartName[]).map((name) => ({
    name,
    ...chartSources[name],
    version: versions.charts[name],
  }));
}
