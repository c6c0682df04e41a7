import * as fs from "node:fs";
import * as path from "node:path";
import { monitoringCrdsUrl } from "../../components/monitoring/monitoring-crds";
import { gatewayApiUrl } from "../../components/network/gateway-api";
import type { Homelab } from "../../config/homelab";
import type { ConfigIssue } from "../../config/issues";
import { mirroredChart, mirroredFile } from "../../config/mirror";
import { LOCK_FILE, chartKey, fileSha256, type MirrorLock } from "../../config/mirror-lock";
import { chartSources, type ChartName } from "../../config/pins";
import { k3sBinary } from "../../nodes/k3s/node-step";
import type { BundleName, Lacks } from "./choice";

/** A pinned artefact, and what a mirror has in its place. */
export interface Holding {
  /** Key path of what pins it. */
  path: string;
  /** Below the mirror's folder. */
  file: string;
  /** What it is, with its version. */
  what: string;
  /** sha256 that it must have; undefined if nobody has recorded one, or the stack file has a placeholder in its place. */
  recorded?: string;
  /** sha256 of the file; undefined if there is none. */
  found?: string;
}

/** Everything that a rehearsal could take from a mirror, but for images. */
export interface Holdings {
  /** Server, then agent, if the stack pins it apart. */
  k3s: readonly Holding[];
  charts: Readonly<Record<ChartName, Holding>>;
  bundles: Readonly<Record<BundleName, Holding>>;
}

/** Looks into a mirror's folder for what a stack pins. Reads only. */
export function holdingsOf(homelab: Homelab, lock: MirrorLock, folder: string): Holdings {
  const { versions } = homelab;
  const file = (at: string, what: string, url: string, sha256: string): Holding => {
    const recorded = /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined;
    return held(folder, { path: `${at}.sha256`, file: mirroredFile(url, sha256), what, recorded });
  };
  const k3s = (kind: "server" | "agent", at: string) => {
    const { version, sha256, url } = k3sBinary(homelab, kind);
    return file(at, `K3s ${version}`, url, sha256);
  };
  const chart = (name: ChartName): Holding => {
    const key = chartKey(name, versions.charts[name]);
    const recorded = lock.charts[key] as string | undefined;
    const at = mirroredChart(name, versions.charts[name]);
    return held(folder, { path: `versions.charts.${name}`, file: at, what: `chart ${key}`, recorded });
  };
  const { gatewayApi, prometheusOperatorCrds } = versions;
  return {
    k3s: [k3s("server", "versions.k3s"), ...(versions.k3s.agent ? [k3s("agent", "versions.k3s.agent")] : [])],
    charts: Object.fromEntries(
      (Object.keys(chartSources) as ChartName[]).map((name) => [name, chart(name)]),
    ) as unknown as Holdings["charts"],
    bundles: {
      gatewayApi: file(
        "versions.gatewayApi",
        `Gateway API ${gatewayApi.version}`,
        gatewayApiUrl(homelab),
        gatewayApi.sha256,
      ),
      prometheusOperatorCrds: file(
        "versions.prometheusOperatorCrds",
        `CRDs of the Prometheus operator ${prometheusOperatorCrds.version}`,
        monitoringCrdsUrl(homelab),
        prometheusOperatorCrds.sha256,
      ),
    },
  };
}

function held(folder: string, wanted: Holding): Holding {
  const file = path.join(folder, wanted.file);
  return fs.existsSync(file) ? { ...wanted, found: fileSha256(file) } : wanted;
}

/** Every one of them. */
export function allOf({ k3s, charts, bundles }: Holdings): Holding[] {
  return [...k3s, ...Object.values(charts), ...Object.values(bundles)];
}

/** Files that are there with other bytes than were recorded: nobody knows what these are. */
export function wrongDigests(holdings: Holdings, { folder, stack }: { folder: string; stack: string }): ConfigIssue[] {
  return allOf(holdings)
    .filter(({ recorded, found }) => recorded !== undefined && found !== undefined && found !== recorded)
    .map(({ path: at, file, what, recorded, found }) => ({
      path: at,
      found: `${path.join(folder, file)} with sha256 ${found}`,
      allowed: `${what} with sha256 ${recorded}, or no such file`,
      fix: `somebody changed it: remove it, and fetch it anew if it is wanted: npm run mirror -- --stack ${stack} --folder ${folder}`,
    }));
}

/** Why the mirror cannot give what it does not hold as it was recorded. */
export function lacksOf(holdings: Holdings, folder: string): Lacks {
  const lack = ({ path: at, file, what, recorded, found }: Holding): string | undefined => {
    const name = path.basename(file);
    if (recorded === undefined && found !== undefined) {
      return `${LOCK_FILE} records no digest of ${name}`;
    }
    if (recorded === undefined && file.startsWith("files/")) {
      return `${at} is still to be filled in`;
    }
    // A chart's file says its version; a file by digest lies in a folder of that name, and only says what it is.
    return found === undefined ? `${folder} has no ${file.startsWith("files/") ? what : name}` : undefined;
  };
  const of = <K extends string>(record: Readonly<Record<K, Holding>>) =>
    Object.fromEntries(Object.entries<Holding>(record).map(([key, holding]) => [key, lack(holding)])) as Record<
      K,
      string | undefined
    >;
  return {
    k3s: holdings.k3s.map(lack).find((reason) => reason !== undefined),
    charts: of(holdings.charts),
    bundles: of(holdings.bundles),
  };
}
