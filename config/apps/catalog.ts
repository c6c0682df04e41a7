import { aiApps } from "./ai";
import { mediaApps } from "./media";

/** What is true of an app in every house, in the form of config/schema/apps.ts; a stack's own words go over it. */
export type CatalogEntry = Readonly<Record<string, unknown>>;

/** Every app that the program knows by name. */
export const catalog: Readonly<Record<string, CatalogEntry>> = { ...mediaApps, ...aiApps };
