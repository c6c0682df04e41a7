import { platformServices } from "../homelab";
import { nearest } from "../nearest";
import { ofEach, ofRules } from "../readable";
import { catalog, withoutLogin } from "../apps/catalog";
import { toBytes } from "../units";
import { each, type App } from "./app-check";
import { clusterMachines, gpuNodes, openNodes, type GpuNode } from "./app-nodes";
import { appCapacityChecks } from "./app-capacity";
import { appFieldChecks } from "./app-fields";
import { issueIf, repeated, type Check } from "./check";
import { MOVING_TAGS } from "./downloads";

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

const served: Check = each("a port says who may reach it", (app, key) =>
  ofRules(
    () =>
      issueIf(app.port !== undefined && app.access === undefined && !app.internal, () => ({
        path: `apps.${key}.access`,
        found: "nothing, and it has a port",
        allowed: "access.policy oidc, proxy, app or public; or internal: true, for other apps alone",
        fix: "write access: { policy: proxy }, which puts Authentik in front of it",
      })),
    () =>
      issueIf(app.access !== undefined && app.port === undefined, () => ({
        path: `apps.${key}.port`,
        found: "nothing, and it has access",
        allowed: "the port of its HTTP",
        fix: "add port, or take access away",
      })),
    () =>
      issueIf(app.access !== undefined && app.internal, () => ({
        path: `apps.${key}.internal`,
        found: "true, and it has access",
        allowed: "internal: true only for what no route leads to",
        fix: "take internal away, or access",
      })),
    () =>
      issueIf(app.access === undefined && app.host !== undefined, () => ({
        path: `apps.${key}.host`,
        found: `${app.host}, and no access`,
        allowed: "a host only with access: without it there is no route",
        fix: "add access, or take host away",
      })),
    () =>
      issueIf(app.schedule !== undefined && Object.keys(app.jobs).length > 0, () => ({
        path: `apps.${key}.jobs`,
        found: "jobs of something that runs by a schedule",
        allowed: "jobs of something that runs all the time",
        fix: "make the job an app of its own, or take schedule away",
      })),
    () =>
      issueIf(app.schedule !== undefined && app.port !== undefined, () => ({
        path: `apps.${key}.port`,
        found: "a port of something that runs by a schedule",
        allowed: "a port of something that runs all the time",
        fix: "take port away, or schedule",
      })),
  ),
);

/**
 * What the catalog knows of an app was written for its port: its variables, addresses in other apps and what people typed
 * there. In a pod of its own nothing else is at that port, so there is no reason for another but another image.
 */
const ports: Check = each("apps of the catalog are served where they listen", (app, key) => {
  const known = Object.hasOwn(catalog, key) ? catalog[key] : {};
  const { port, image, env = {} } = known as { port?: number; image?: { repository: string }; env?: object };
  const stale = Object.entries(env as Record<string, string>)
    .filter(([name, value]) => app.env[name] === value && new RegExp(`\\b${port}$`).test(value))
    .map(([name]) => name);
  const same = image?.repository === app.image.repository;
  return issueIf(
    port !== undefined && app.port !== undefined && app.port !== port && (same || stale.length > 0),
    () => ({
      path: `apps.${key}.port`,
      found: `${app.port}, and ${stale.length > 0 ? `${stale.join(", ")} says` : "the catalog has"} ${port}`,
      allowed: `${port}: so it listens, and so other apps know it`,
      fix: same ? "take port away: a pod has its ports for itself" : `take port away, or set ${stale.join(", ")} too`,
    }),
  );
});

const policies: Check = each("access policies are complete", (app, key, config) => {
  const { access } = app;
  if (!access) {
    return [];
  }
  const isOurs = (policy: string) => policy === "oidc" || policy === "proxy";
  return ofRules(
    () =>
      issueIf(access.policy === "oidc" && app.oidc === undefined, () => ({
        path: `apps.${key}.access.policy`,
        found: "oidc, and nothing says how it speaks OpenID Connect",
        allowed: "oidc for an app with a section oidc; proxy for every other",
        fix: "write policy: proxy, or add oidc with the variables that the app reads",
      })),
    () =>
      issueIf(access.policy === "app" && withoutLogin.includes(key), () => ({
        path: `apps.${key}.access.policy`,
        found: `app, and ${key} lets everybody in as it is installed`,
        allowed: "proxy; app only for what asks for a login from its first start",
        fix: "write policy: proxy, which puts Authentik in front of it",
      })),
    () =>
      issueIf(!isOurs(access.policy) && access.because === undefined, () => ({
        path: `apps.${key}.access.because`,
        found: "nothing",
        allowed: `the reason why ${access.policy === "app" ? "its own login is enough" : "it needs no login at all"}`,
        fix: "add because, or write policy: proxy",
      })),
    () =>
      issueIf(!isOurs(access.policy) && access.groups !== undefined, () => ({
        path: `apps.${key}.access.groups`,
        found: `groups, with policy ${access.policy}`,
        allowed: "groups only with oidc or proxy: nobody else asks Authentik",
        fix: "take groups away, or write policy: proxy",
      })),
    () =>
      repeated(ofEach(access.groups ?? [], (value) => [{ path: `apps.${key}.access.groups`, value }])).map(
        ({ path, value }) => ({
          path,
          found: `${value} twice`,
          allowed: "each group once",
          fix: "take one of them away",
        }),
      ),
    () => {
      const known = Object.keys(config.identity.groups);
      return ofEach(access.groups ?? [], (group) =>
        issueIf(!known.includes(group), () => ({
          path: `apps.${key}.access.groups`,
          found: group,
          allowed: `keys of identity.groups: ${known.join(", ")}`,
          fix: nearest(group, known) ? `did you mean '${nearest(group, known)}'?` : `add ${group} to identity.groups`,
        })),
      );
    },
  );
});

const groups: Check = {
  name: "groups that the platform needs",
  run: ({ identity }) =>
    ["admins", "viewers"]
      .filter((key) => !Object.hasOwn(identity.groups, key))
      .map((key) => ({
        path: `identity.groups.${key}`,
        found: "nothing",
        allowed: "the name of a group: the platform's own services let it in",
        fix: `add ${key}: homelab-${key}`,
      })),
};

/** The Gateway API allows 64 listeners of a gateway, and each host takes two (gateways CRD v1.1.0, maxItems). */
const MOST_HOSTS = 32;

const hosts: Check = {
  name: "the gateway has a listener for every host",
  run({ apps }) {
    const routed = Object.values(apps).filter(({ access }) => access).length + platformServices.length;
    return issueIf(routed > MOST_HOSTS, () => ({
      path: "apps",
      found: `${routed} hosts, those of the platform among them`,
      allowed: `at most ${MOST_HOSTS}: a gateway has 64 listeners, and each host takes two`,
      fix: "make some apps internal: true",
    }));
  },
};

const images: Check = each("images of apps are pinned", ({ image: { repository, tag, digest } }, key) =>
  issueIf(digest === undefined && MOVING_TAGS.includes(tag), () => ({
    path: `apps.${key}.image.digest`,
    found: `nothing, and the tag ${tag} is another image tomorrow`,
    allowed: "a digest beside a moving tag, or the tag of one release",
    fix: `run: skopeo inspect docker://${repository}:${tag} and take Digest`,
  })),
);

const volumes: Check = each("volumes of apps have their tier", (app, key, { storage }) =>
  ofEach(app.volumes, ({ tier }, volume) => {
    const known = Object.keys(storage.tiers);
    return issueIf(tier !== undefined && !known.includes(tier), () => ({
      path: `apps.${key}.volumes.${volume}.tier`,
      found: String(tier),
      allowed: `keys of storage.tiers: ${known.join(", ")}`,
      fix: nearest(String(tier), known)
        ? `did you mean '${nearest(String(tier), known)}'?`
        : "take tier away for the default",
    }));
  }),
);

const placement: Check = each("apps can run where they should", (app, key, config) => {
  const { machines } = config;
  const nodes = clusterMachines(machines);
  const known = nodes.map(([name]) => name);
  const carriers = (tier: string) =>
    nodes.flatMap(([name, machine]) =>
      "disks" in machine && Object.values(machine.disks).some((disk) => disk.tier === tier) ? [name] : [],
    );
  const isStrange = (name: string) => !known.includes(name);
  return ofRules(
    () =>
      ofEach(app.nodes ?? [], (name) =>
        issueIf(isStrange(name), () => ({
          path: `apps.${key}.nodes`,
          found: name,
          allowed: `machines that run K3s: ${known.join(", ")}`,
          fix: nearest(name, known) ? `did you mean '${nearest(name, known)}'?` : "name one of them",
        })),
      ),
    () =>
      issueIf(app.gpu !== undefined && !app.nodes?.some(isStrange) && gpuNodes(machines, app).length === 0, () => ({
        path: `apps.${key}.gpu`,
        found: `${app.gpu}, and no machine ${app.nodes ? `among ${app.nodes.join(", ")} ` : ""}has it`,
        allowed: app.gpu === "nvidia" ? "nvidia where a worker has gpu" : "quicksync where a worker has quickSync",
        fix: "take gpu away, or say on the machine that it has one",
      })),
    // A strict-local volume has its one copy where the pod is, so the pod must be where the disks are.
    () =>
      ofEach(app.volumes, ({ tier = config.storage.defaultTier }, volume) => {
        const { storage } = config;
        const local = Object.hasOwn(storage.tiers, tier) && storage.tiers[tier].dataLocality === "strict-local";
        const able = carriers(tier).filter((name) => app.nodes?.includes(name) ?? true);
        const others = (app.nodes ?? openNodes(machines)).filter((name) => !able.includes(name));
        return issueIf(local && others.length > 0, () => ({
          path: `apps.${key}.volumes.${volume}.tier`,
          found: `${tier}, which is strict-local, and the app may run on ${others.join(", ")} without such a disk`,
          allowed: `nodes with disks of ${tier} and no others: ${carriers(tier).join(", ") || "none"}`,
          fix: "name them in nodes, or choose another tier",
        }));
      }),
  );
});

function sharesOf(nodes: readonly GpuNode[]): number {
  return nodes.reduce((sum, { shares }) => sum + shares, 0);
}

/** Those that can run on some of these nodes and on no other. */
function within<T extends { nodes: readonly GpuNode[] }>(bound: readonly T[], nodes: readonly GpuNode[]): T[] {
  const names = nodes.map(({ name }) => name);
  return bound.filter((app) => app.nodes.length > 0 && app.nodes.every(({ name }) => names.includes(name)));
}

/** Every union of some of the sets, smallest first. */
function unions(sets: readonly (readonly GpuNode[])[]): (readonly GpuNode[])[] {
  const found = new Map<string, readonly GpuNode[]>();
  for (const set of sets) {
    for (const base of [[], ...found.values()]) {
      const union = [...base, ...set.filter(({ name }) => !base.some((node) => node.name === name))];
      const key = union.map(({ name }) => name).sort();
      found.set(key.join(), union);
    }
  }
  return [...found.values()].sort((one, other) => one.length - other.length);
}

/** Requests that a GPU's slices cannot meet leave pods waiting for ever, and nothing says why. */
const gpuShares: Check = {
  name: "GPU slices suffice",
  run(config) {
    return (["nvidia", "quicksync"] as const).flatMap((kind) => {
      const users = Object.entries(config.apps).filter(([, { gpu }]) => gpu === kind);
      const bound = users.map(([name, app]) => ({ name, nodes: gpuNodes(config.machines, app) }));
      // Every union of sets of nodes must carry the apps that can run nowhere else (Hall's theorem); the smallest that
      // does not is the one to name.
      const short = unions(bound.map(({ nodes }) => nodes)).find(
        (nodes) => nodes.length > 0 && within(bound, nodes).length > sharesOf(nodes),
      );
      return (short ? [short] : []).flatMap((offered) => {
        const inside = within(bound, offered);
        const shares = sharesOf(offered);
        return issueIf(inside.length > shares, () => ({
          path: "apps",
          found: `${inside.length} apps with gpu: ${kind} on ${offered.map(({ name }) => name).join(", ")}: ${inside.map(({ name }) => name).join(", ")}`,
          allowed: `at most ${shares}, the ${kind === "nvidia" ? "slices" : "shares"} there`,
          fix: `raise ${kind === "nvidia" ? "gpu.slices" : "quickSync.sharedBy"} of the machine, or take gpu from an app`,
        }));
      });
    });
  },
};

const media: Check = {
  name: "media of apps",
  run(config) {
    const isReadOnly = () => {
      const { media } = config.storage;
      const server = media && config.machines[media.server];
      return server?.role === "hypervisor" && server.exports[media?.export ?? ""]?.readOnly === true;
    };
    const users = ofEach(config.apps, (app, key) => (app.media ? [{ app, key }] : []));
    const homes = ofEach(users, ({ app: { namespace }, key }) => [{ namespace, key }]);
    return users.flatMap(({ app, key }) =>
      ofRules(
        () =>
          issueIf(config.storage.media === undefined, () => ({
            path: `apps.${key}.media`,
            found: "the media share, which this house does not have",
            allowed: "media where storage.media is set",
            fix: "set storage.media, or write media: null",
          })),
        () =>
          issueIf(app.namespace !== homes[0].namespace, () => ({
            path: `apps.${key}.namespace`,
            found: `${app.namespace}, and ${homes[0].key} has the media in ${homes[0].namespace}`,
            allowed: "one namespace for all apps with media: a volume has one claim, and a claim one namespace",
            fix: `write ${homes[0].namespace}`,
          })),
        () =>
          issueIf(app.media?.readOnly === false && isReadOnly(), () => ({
            path: `apps.${key}.media.readOnly`,
            found: "false, and the export is read-only",
            allowed: "true",
            fix: "write media: { readOnly: true }, or export it for writing",
          })),
      ),
    );
  },
};

/** A mount point has to be made before something is mounted at it, and on what is read-only nobody can. */
const insideReadOnly: Check = each("nothing is mounted inside of media that is read-only", (app, key) => {
  // An export that is read-only is one with media: { readOnly: true }, by the check above.
  if (!app.media?.readOnly) {
    return [];
  }
  const { mountPath } = app.media;
  const plain = Array.isArray(app.container.volumeMounts) ? (app.container.volumeMounts as unknown[]) : [];
  const places = [
    ...(["volumes", "scratch"] as const).flatMap((part) =>
      ofEach(app[part], (place, name) => [{ path: `${part}.${name}.mountPath`, at: place.mountPath }]),
    ),
    ...Object.keys(app.files).map((file) => ({ path: `files.${file}`, at: file })),
    ...plain.map((mount, index) => ({
      path: `container.volumeMounts[${index}].mountPath`,
      at: String((mount as { mountPath?: unknown } | null)?.mountPath),
    })),
  ];
  return places
    .filter(({ at }) => at.startsWith(`${mountPath}/`))
    .map(({ path, at }) => ({
      path: `apps.${key}.${path}`,
      found: `${at}, inside of the media at ${mountPath}, which is read-only`,
      allowed: "a path outside: nobody can make the mount point there, and the pod never starts",
      fix: "move it, or write media: { readOnly: false }",
    }));
});

const references: Check = each("apps know each other", (app, key, { apps }) => {
  return ofRules(
    () =>
      ofEach(app.uses, (other) =>
        issueIf(Object.hasOwn(apps, other) && apps[other].port === undefined, () => ({
          path: `apps.${key}.uses`,
          found: `${other}, which has no port`,
          allowed: "apps with a port: there is nothing else to connect to",
          fix: `take ${other} away, or give it a port`,
        })),
      ),
    () =>
      ofEach(app.uses, (other) =>
        // Apps of the catalog name each other; a house that has only some of them is fine.
        issueIf(!Object.hasOwn(catalog, other) && !Object.hasOwn(apps, other), () => {
          const known = Object.keys(apps);
          return {
            path: `apps.${key}.uses`,
            found: other,
            allowed: `other apps: ${known.filter((name) => name !== key).join(", ")}`,
            fix: nearest(other, known)
              ? `did you mean '${nearest(other, known)}'?`
              : `add the app, or take ${other} away`,
          };
        }),
      ),
    () =>
      ofEach(app.secrets, (reference, variable) => {
        const [other, secret] = reference.includes(".") ? reference.split(".") : [key, reference];
        const owned = other === key || Object.values(apps[other]?.secrets ?? {}).includes(secret);
        return issueIf(!owned, () => ({
          path: `apps.${key}.secrets.${variable}`,
          found: reference,
          allowed: "a key that the other app has among its own secrets",
          fix: `add ${other} with it, or take ${key} away`,
        }));
      }),
  );
});

const paths: Check = each("nothing is mounted twice", (app, key) => {
  const places = ofRules(
    () => ofEach(app.volumes, ({ mountPath }, name) => [{ path: `volumes.${name}`, mountPath }]),
    () => ofEach(app.scratch, ({ mountPath }, name) => [{ path: `scratch.${name}`, mountPath }]),
    () => (app.media ? [{ path: "media", mountPath: app.media.mountPath }] : []),
  );
  // A file's key in its ConfigMap is its path with underscores for slashes.
  const files = Object.keys(app.files).map((path) => ({
    path: `apps.${key}.files.${path}`,
    value: path.slice(1).replaceAll("/", "_"),
  }));
  const keys = repeated(files).map(({ path, value, first }) => ({
    path,
    found: `a file with the key ${value}, which is also that of ${first}`,
    allowed: "paths that differ in more than / and _",
    fix: "rename one of them",
  }));
  const shadowed = Object.keys(app.files).flatMap((file) =>
    places
      .filter(({ mountPath }) => mountPath === file || mountPath.startsWith(`${file}/`))
      .map(({ path, mountPath }) => ({
        path: `apps.${key}.files.${file}`,
        found: `a file where ${path} is mounted, at ${mountPath}`,
        allowed: "a path that no folder is mounted at or below",
        fix: "move one of them",
      })),
  );
  const folders = places.flatMap(({ path, mountPath }, index) => {
    const other = places.slice(0, index).find((earlier) => earlier.mountPath === mountPath);
    return issueIf(other !== undefined, () => ({
      path: `apps.${key}.${path}.mountPath`,
      found: `${mountPath}, which is also ${other?.path}`,
      allowed: "a path of its own for each",
      fix: "move one of them",
    }));
  });
  return [...folders, ...keys, ...shadowed];
});

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

/** Set on every app, or by PUID and PGID of runAs `environment`. */
const SET_FOR_ALL = ["TZ"];

const variables: Check = each("variables are set once", (app, key) => {
  const set = ofRules(
    () =>
      [...SET_FOR_ALL, ...(app.runAs === "environment" ? ["PUID", "PGID"] : [])].map((value) => ({
        path: "the program's own",
        value,
      })),
    () => {
      const { oidc } = app.access?.policy === "oidc" ? app : { oidc: undefined };
      const names = oidc ? [oidc.clientId, oidc.clientSecret, oidc.discovery, ...Object.values(oidc.roles ?? {})] : [];
      return names.map((value) => ({ path: `apps.${key}.oidc`, value }));
    },
    () =>
      ofEach(["env", "secrets"] as const, (part) =>
        Object.keys(app[part]).map((value) => ({ path: `apps.${key}.${part}.${value}`, value })),
      ),
    () => {
      const plain = Array.isArray(app.container.env) ? (app.container.env as { name?: unknown }[]) : [];
      return plain.map(({ name }) => ({ path: `apps.${key}.container.env`, value: String(name) }));
    },
  );
  return repeated(set).map(({ path, value, first }) => ({
    path,
    found: `${value}, which is also set by ${first}`,
    allowed: "each variable once",
    fix: "take one of them away",
  }));
});

const requests: Check = each("requests are within limits", ({ resources: { memory, memoryLimit } }, key) =>
  issueIf(toBytes(memory) > toBytes(memoryLimit), () => ({
    path: `apps.${key}.resources.memory`,
    found: `${memory}, with a limit of ${memoryLimit}`,
    allowed: "at most memoryLimit: Kubernetes refuses the pod otherwise",
    fix: "raise memoryLimit, or ask for less",
  })),
);

const users: Check = each("a user of the image's is one", ({ runAs, user }, key) =>
  issueIf(user !== undefined && runAs !== "image", () => ({
    path: `apps.${key}.user`,
    found: `a user, with runAs: ${runAs}`,
    allowed: "user with runAs: image; else it is storage.media.owner",
    fix: "take user away, or write runAs: image",
  })),
);

export const appChecks: readonly Check[] = [
  ...[names, namespaces, served, ports, policies, groups, hosts, images, volumes],
  ...[placement, gpuShares, media, insideReadOnly, references, paths],
  ...appFieldChecks,
  ...appCapacityChecks,
  ...[ownAlerts, derivedNames, variables, requests, users],
];
