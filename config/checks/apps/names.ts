import { platformServices } from "../../homelab";
import { ofEach } from "../../readable";
import { issueIf, repeated, type Check } from "../check";
import { each, type App } from "./check";

const names: Check = each("apps have names of their own", (_app, key) =>
  issueIf((platformServices as readonly string[]).includes(key), () => ({
    path: `apps.${key}`,
    found: "the name of a service of the platform",
    allowed: `any name but ${platformServices.join(", ")}`,
    fix: "rename the app",
  })),
);

/** Namespaces that the platform makes, or that are Kubernetes' own. */
const TAKEN = [
  ...["default", "kube-system", "kube-public", "kube-node-lease", "networking", "cert-manager", "longhorn-system"],
  ...[
    "local-path-storage",
    "csi-driver-nfs",
    "nvidia-device-plugin",
    "dcgm-exporter",
    "intel-gpu-plugin",
    "monitoring",
    "authentik",
    "velero",
    "cilium-secrets",
  ],
];

const namespaces: Check = each("apps have namespaces of their own", ({ namespace }, key) =>
  issueIf(TAKEN.includes(namespace), () => ({
    path: `apps.${key}.namespace`,
    found: namespace,
    allowed: "a namespace of apps: it is closed by default, and what it holds is the apps' alone",
    fix: "write media, ai, or a name of your own",
  })),
);

const ownAlerts: Check = each("alerts of apps have names of their own", (app, key) =>
  Object.keys(app.alerts)
    .filter((name) => ["Down", "JobFailed", "ScheduleFailing", "OwnAlert"].includes(name))
    .map((name) => ({
      path: `apps.${key}.alerts.${name}`,
      found: `App${name}, which the program has already`,
      allowed: "any other name",
      fix: "rename it, or leave it out: every app has that one",
    })),
);

/** Names that the program makes of two parts can be made of others too: a + b-c, and a-b + c. */
const derivedNames: Check = {
  name: "names made of an app's are distinct",
  run({ apps }) {
    const made = (of: (key: string, app: App) => { path: string; value: string }[]) =>
      repeated(ofEach(apps, (app, key) => of(key, app)));
    const named = (key: string, part: "volumes" | "jobs", app: App) =>
      Object.keys(app[part]).map((name) => ({ path: `apps.${key}.${part}.${name}`, value: `${key}-${name}` }));
    const taken = [
      // Apps and jobs are found by one label, and both have a policy of their name beside the namespace's default.
      ...made((key, app) => [{ path: `apps.${key}`, value: key }, ...named(key, "jobs", app)]),
      ...made((key, app) => named(key, "volumes", app)),
      ...made((key, app) =>
        ofEach(app.secrets, (reference) => (reference.includes(".") ? [] : [reference]))
          .filter((reference, index, all) => all.indexOf(reference) === index)
          .map((reference) => ({ path: `apps.${key}.secrets`, value: `${key}-${reference}` })),
      ),
    ];
    const reserved = ofEach(apps, (app, key) => [
      ...[key, ...Object.keys(app.jobs).map((job) => `${key}-${job}`)]
        .filter((name) => name === "default-deny")
        .map((value) => ({ path: `apps.${key}`, value, first: "the policy of each namespace" })),
      ...Object.keys(app.volumes)
        .filter((name) => name === "media" || name === "files" || name === "tmp" || name.startsWith("scratch-"))
        .map((value) => ({ path: `apps.${key}.volumes.${value}`, value, first: "a volume of the pod" })),
    ]);
    const long = ofEach(apps, (app, key) =>
      [...named(key, "jobs", app), ...named(key, "volumes", app)].filter(({ value }) => value.length > 63),
    );
    return [
      ...[...taken, ...reserved].map(({ path, value, first }) => ({
        path,
        found: `${value}, which is also the name of ${first}`,
        allowed: "a name of its own for each",
        fix: "rename one of them",
      })),
      ...long.map(({ path, value }) => ({
        path,
        found: `${value}, of ${value.length} characters`,
        allowed: "at most 63 characters together with the app's name",
        fix: "take a shorter one",
      })),
    ];
  },
};

/** Names of apps, and names that the program makes of them. */
export const nameChecks: readonly Check[] = [names, namespaces, ownAlerts, derivedNames];
