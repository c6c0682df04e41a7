import type { CatalogEntry } from "./catalog";

/** Where each app finds the one media share; downloads and libraries are folders in it. */
const media = { mountPath: "/data" } as const;

/** What Sonarr, Radarr, Lidarr and Prowlarr have in common: one code base (Servarr). */
function servarr(name: string, image: { tag: string }, port: number, uses: readonly string[]): CatalogEntry {
  const prefix = name.toUpperCase();
  return {
    namespace: "media",
    image: { repository: `ghcr.io/home-operations/${name}`, ...image },
    port,
    // Answers without a login, and with an error if the database does not (Servarr PingController).
    probe: { path: "/ping" },
    env: {
      // Variables over config.xml: Servarr ConfigFileProvider, prefix __ section __ key.
      [`${prefix}__SERVER__PORT`]: String(port),
      [`${prefix}__APP__LAUNCHBROWSER`]: "false",
      [`${prefix}__UPDATE__AUTOMATICALLY`]: "false",
      // Authentik stands in front of it, and NetworkPolicy around it; a second login of its own would lock nobody out.
      [`${prefix}__AUTH__METHOD`]: "External",
      [`${prefix}__AUTH__REQUIRED`]: "DisabledForLocalAddresses",
    },
    secrets: { [`${prefix}__AUTH__APIKEY`]: "api-key" },
    uses,
    internet: true,
    scratch: { tmp: { mountPath: "/tmp", size: "1Gi" } },
    resources: { cpu: "100m", memory: "256Mi", memoryLimit: "2Gi" },
  };
}

/**
 * Media. Images of home-operations run as any user without a root start; where there is none, the publisher's own.
 * Tags: as used in public clusters in 2026; the owner's repository follows `latest`, which no rebuild can repeat.
 */
export const mediaApps: Readonly<Record<string, CatalogEntry>> = {
  jellyfin: {
    namespace: "media",
    image: { repository: "ghcr.io/jellyfin/jellyfin", tag: "10.11.8" },
    port: 8096,
    probe: { path: "/health" },
    media: { ...media, readOnly: true },
    scratch: { cache: { mountPath: "/cache", size: "20Gi" }, tmp: { mountPath: "/tmp", size: "20Gi" } },
    internet: true,
    resources: { cpu: "500m", memory: "1Gi", memoryLimit: "8Gi" },
  },
  plex: {
    namespace: "media",
    image: { repository: "ghcr.io/home-operations/plex", tag: "1.43.3.10828" },
    port: 32400,
    probe: { path: "/identity" },
    media: { ...media, readOnly: true },
    scratch: { transcode: { mountPath: "/transcode", size: "50Gi" }, tmp: { mountPath: "/tmp", size: "5Gi" } },
    internet: true,
    resources: { cpu: "500m", memory: "1Gi", memoryLimit: "6Gi" },
  },
  sonarr: { ...servarr("sonarr", { tag: "4.0.17.2969" }, 8989, ["prowlarr", "sabnzbd", "jellyfin", "plex"]), media },
  radarr: { ...servarr("radarr", { tag: "6.1.1.10317" }, 7878, ["prowlarr", "sabnzbd", "jellyfin", "plex"]), media },
  lidarr: { ...servarr("lidarr", { tag: "3.1.2.4902" }, 8686, ["prowlarr", "sabnzbd", "jellyfin", "plex"]), media },
  prowlarr: servarr("prowlarr", { tag: "2.3.4.5307" }, 9696, ["sonarr", "radarr", "lidarr", "whisparr", "sabnzbd"]),
  whisparr: {
    ...servarr("whisparr", { tag: "" }, 6969, ["prowlarr", "sabnzbd"]),
    // home-operations has none. hotio's starts as root and gives it up (s6-overlay).
    image: { repository: "ghcr.io/hotio/whisparr", tag: "v2-2.2.0-release.231" },
    runAs: "environment",
    media,
  },
  bazarr: {
    namespace: "media",
    image: { repository: "ghcr.io/home-operations/bazarr", tag: "1.5.6" },
    port: 6767,
    media,
    uses: ["sonarr", "radarr"],
    internet: true,
    scratch: { tmp: { mountPath: "/tmp", size: "1Gi" } },
    resources: { cpu: "50m", memory: "256Mi", memoryLimit: "1Gi" },
  },
  sabnzbd: {
    namespace: "media",
    image: { repository: "ghcr.io/home-operations/sabnzbd", tag: "4.5.5" },
    port: 8080,
    media,
    // SABnzbd answers under names that it was told, and refuses others (DNS rebinding).
    env: { SABNZBD__HOST_WHITELIST_ENTRIES: "sabnzbd, sabnzbd.media, sabnzbd.media.svc.cluster.local" },
    secrets: { SABNZBD__API_KEY: "api-key", SABNZBD__NZB_KEY: "nzb-key" },
    internet: true,
    scratch: { tmp: { mountPath: "/tmp", size: "5Gi" } },
    // Unpacking and repair take what they get.
    resources: { cpu: "500m", memory: "512Mi", memoryLimit: "4Gi" },
  },
  overseerr: {
    namespace: "media",
    image: { repository: "docker.io/sctx/overseerr", tag: "1.35.0" },
    port: 5055,
    probe: { path: "/api/v1/status" },
    uses: ["sonarr", "radarr", "plex"],
    internet: true,
    scratch: {
      logs: { mountPath: "/app/config/logs", size: "1Gi" },
      cache: { mountPath: "/app/.next/cache", size: "1Gi" },
      tmp: { mountPath: "/tmp", size: "1Gi" },
    },
    resources: { cpu: "50m", memory: "256Mi", memoryLimit: "1Gi" },
  },
  recyclarr: {
    namespace: "media",
    image: { repository: "ghcr.io/recyclarr/recyclarr", tag: "7.4.1" },
    args: ["sync"],
    schedule: "0 3 * * *",
    secrets: { SONARR_API_KEY: "sonarr.api-key", RADARR_API_KEY: "radarr.api-key" },
    files: {
      "/config/recyclarr.yml": [
        "# TRaSH guides: quality definitions of series and films.",
        "sonarr:",
        "  main:",
        "    base_url: http://sonarr:8989",
        "    api_key: !env_var SONARR_API_KEY",
        "    quality_definition: { type: series }",
        "radarr:",
        "  main:",
        "    base_url: http://radarr:7878",
        "    api_key: !env_var RADARR_API_KEY",
        "    quality_definition: { type: movie }",
        "",
      ].join("\n"),
    },
    uses: ["sonarr", "radarr"],
    internet: true,
    // It clones the guides anew with each run; nothing of it is worth keeping.
    scratch: { config: { mountPath: "/config", size: "1Gi" }, tmp: { mountPath: "/tmp", size: "1Gi" } },
    resources: { cpu: "50m", memory: "128Mi", memoryLimit: "512Mi" },
  },
};
