import type { Homelab } from "../../config/homelab";
import type { HelmValues } from "../chart";
import { trustedProxies } from "./trusted-proxies";

/** Names of the objects that chart and component share. `authentik` is also the release, hence the chart's prefix. */
export const authentikNames = {
  namespace: "authentik",
  release: "authentik",
  /** Secret with the configuration as environment variables. */
  config: "authentik-config",
  /** Secret with the first administrator, for the worker alone. */
  bootstrap: "authentik-bootstrap",
  /** Secret with the database's password, in the form of the PostgreSQL chart. */
  database: "authentik-database",
  databaseClaim: "authentik-database",
  blueprint: "authentik-blueprint",
  /** Only keys with this ending are read. */
  blueprintKey: "homelab.yaml",
  service: "authentik-server",
} as const;

/** Port of the service in front of the server, plain HTTP. */
export const AUTHENTIK_PORT = 80;

const DATABASE_USER = "authentik";

/** Where the dump below goes, on the database's own volume. */
const DATABASE_DUMP = "/bitnami/postgresql/authentik.dump";

/**
 * Environment of server and worker that is not secret. Names: authentik 2025.12 docs, install-config/configuration.
 */
export function authentikEnvironment(homelab: Homelab): Record<string, string> {
  return {
    AUTHENTIK_POSTGRESQL__HOST: `${authentikNames.release}-postgresql`,
    AUTHENTIK_POSTGRESQL__PORT: "5432",
    AUTHENTIK_POSTGRESQL__NAME: DATABASE_USER,
    AUTHENTIK_POSTGRESQL__USER: DATABASE_USER,
    // The issuer is made of the scheme and host of the request, which only the gateway knows.
    AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS: trustedProxies(homelab).join(","),
    // The one outpost is inside of the server; without this it would look for a Kubernetes API that it may not talk to.
    AUTHENTIK_OUTPOSTS__DISCOVER: "false",
    // Loki keeps the audit log, which is written at this level.
    AUTHENTIK_LOG_LEVEL: "info",
    AUTHENTIK_DISABLE_UPDATE_CHECK: "true",
    AUTHENTIK_DISABLE_STARTUP_ANALYTICS: "true",
    AUTHENTIK_ERROR_REPORTING__ENABLED: "false",
  };
}

/**
 * Values of the Authentik chart 2025.12 (no Redis since 2025.10). Nothing secret: everything of that kind is in Secrets
 * named here, and with `existingSecret` the chart renders none of its own.
 *
 * @param hashes digests of the Secrets' contents; a changed one restarts the pods that read it.
 */
export function authentikValues(hashes: { config: unknown; blueprint: unknown }): HelmValues {
  return {
    global: {
      podAnnotations: { "homelab/config-hash": hashes.config },
    },
    authentik: { existingSecret: { secretName: authentikNames.config } },
    blueprints: { secrets: [authentikNames.blueprint] },
    // Its role may change workloads and secrets, for outposts outside of it, of which there are none.
    serviceAccount: { create: false },
    server: {
      resources: { requests: { cpu: "100m", memory: "512Mi" }, limits: { memory: "2Gi" } },
      metrics: { enabled: true, serviceMonitor: { enabled: true } },
    },
    worker: {
      // Read once, when the database is empty.
      envFrom: [{ secretRef: { name: authentikNames.bootstrap } }],
      podAnnotations: { "homelab/blueprint-hash": hashes.blueprint },
      resources: { requests: { cpu: "100m", memory: "512Mi" }, limits: { memory: "2Gi" } },
      metrics: { enabled: true, serviceMonitor: { enabled: true } },
    },
    postgresql: postgresqlValues(),
  };
}

/**
 * Values of the PostgreSQL subchart (Bitnami's chart 16.7.27 with Docker's official image, as Authentik's chart sets it).
 * The official image makes the user its superuser and knows no other, so the chart is told that there is no `postgres`.
 */
function postgresqlValues(): HelmValues {
  return {
    enabled: true,
    auth: { existingSecret: authentikNames.database, enablePostgresUser: false },
    primary: {
      // Not a template of the StatefulSet: those can neither grow nor be protected.
      persistence: { existingClaim: authentikNames.databaseClaim },
      // The chart's own lets every connection out; ours stand in components/isolation.
      networkPolicy: { enabled: false },
      podAnnotations: dumpBeforeBackup(),
      resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "1Gi" } },
    },
  };
}

/**
 * Velero copies the files of a running database one after the other, and such a copy may not start again. So each backup
 * begins with a dump onto the same volume, and a restore loads the dump.
 */
function dumpBeforeBackup(): Record<string, string> {
  const dump = [
    'PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"',
    `pg_dump -h 127.0.0.1 -U ${DATABASE_USER} -Fc -f ${DATABASE_DUMP}.new ${DATABASE_USER}`,
    `&& mv -f ${DATABASE_DUMP}.new ${DATABASE_DUMP}`,
  ].join(" ");
  return {
    "pre.hook.backup.velero.io/container": "postgresql",
    "pre.hook.backup.velero.io/command": JSON.stringify(["/bin/sh", "-c", dump]),
    "pre.hook.backup.velero.io/on-error": "Fail",
    "pre.hook.backup.velero.io/timeout": "10m",
  };
}
