import { parse } from "yaml";
import type { ChartArtefact } from "./artefacts";
import { fetchText } from "./fetch";

interface RepositoryIndex {
  entries?: Record<string, { version?: string; urls?: string[]; digest?: string }[] | undefined>;
}

/** Where a repository keeps an archive, and what it says of its digest. */
export interface ChartLocation {
  url: string;
  /** 64 hexadecimal digits; not every repository states it. */
  sha256?: string;
}

/**
 * Looks a chart up in its repository's index (Helm, topics/chart_repository). A version's leading v is part of its name
 * in some repositories and not in others; Helm takes either, and so does this.
 *
 * @throws Error if the repository does not have it, with the newest versions that it has.
 */
export async function locateChart({ repo, chart, version }: ChartArtefact): Promise<ChartLocation> {
  const base = `${repo.replace(/\/+$/, "")}/`;
  const index = parse(await fetchText(`${base}index.yaml`)) as RepositoryIndex | null;
  const entries = index?.entries?.[chart] ?? [];
  const bare = (text: string | undefined) => text?.replace(/^v/, "");
  const entry = entries.find((candidate) => bare(candidate.version) === bare(version));
  const url = entry?.urls?.[0];
  if (!entry || url === undefined) {
    const newest = entries.slice(0, 3).flatMap(({ version: found }) => found ?? []);
    throw new Error(`${repo} has no ${chart} ${version}; its newest are: ${newest.join(", ") || "none"}`);
  }
  const sha256 = /^[0-9a-f]{64}$/.exec(entry.digest ?? "")?.[0];
  return { url: new URL(url, base).href, ...(sha256 ? { sha256 } : {}) };
}
