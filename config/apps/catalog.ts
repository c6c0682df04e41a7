import { aiApps } from "./ai";
import { mediaApps } from "./media";

/** What is true of an app in every house, in the form of config/schema/apps.ts; a stack's own words go over it. */
export type CatalogEntry = Readonly<Record<string, unknown>>;

/** Every app that the program knows by name. */
export const catalog: Readonly<Record<string, CatalogEntry>> = { ...mediaApps, ...aiApps };

/**
 * Apps of the catalog that let everybody in as they are installed: Servarr, because its own login is switched off here
 * (config/apps/media.ts), SABnzbd and Bazarr until somebody sets a password by hand, Automatic1111 and Ollama always.
 */
export const withoutLogin: readonly string[] = [
  ...["sonarr", "radarr", "lidarr", "prowlarr", "whisparr", "bazarr", "sabnzbd"],
  ...["automatic1111", "ollama"],
];
