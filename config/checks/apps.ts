import { platformServices } from "../homelab";
import { nearest } from "../nearest";
import type { RawHomelab } from "../schema";
import { issueIf, type Check } from "./check";
import { MOVING_TAGS } from "./downloads";
import type { ConfigIssue } from "../issues";

type Apps = RawHomelab["apps"];
type App = Apps[string];

/** A rule over single apps. */
function each(
  name: string,
  needs: Check["needs"],
  judge: (app: App, key: string, config: RawHomelab) => ConfigIssue[],
): Check {
  return {
    name,
    needs: ["apps", ...needs],
    run: (config) => Object.entries(config.apps).flatMap(([key, app]) => judge(app, key, config)),
  };
}

const names: Check = each("apps have names of their own", [], (_app, key) =>
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
    "intel-gpu-plugin",
    "monitoring",
    "authentik",
    "velero",
  ],
];

const namespaces: Check = each("apps have namespaces of their own", [], ({ namespace }, key) =>
  issueIf(TAKEN.includes(namespace), () => ({
    path: `apps.${key}.namespace`,
    found: namespace,
    allowed: "a namespace of apps: it is closed by default, and what it holds is the apps' alone",
    fix: "write media, ai, or a name of your own",
  })),
);

const served: Check = each("a port says who may reach it", [], ({ port, access, internal, schedule }, key) => [
  ...issueIf(port !== undefined && access === undefined && !internal, () => ({
    path: `apps.${key}.access`,
    found: "nothing, and it has a port",
    allowed: "access.policy oidc, proxy, app or public; or internal: true, for other apps alone",
    fix: "write access: { policy: proxy }, which puts Authentik in front of it",
  })),
  ...issueIf(access !== undefined && port === undefined, () => ({
    path: `apps.${key}.port`,
    found: "nothing, and it has access",
    allowed: "the port of its HTTP",
    fix: "add port, or take access away",
  })),
  ...issueIf(schedule !== undefined && port !== undefined, () => ({
    path: `apps.${key}.port`,
    found: "a port of something that runs by a schedule",
    allowed: "a port of something that runs all the time",
    fix: "take port away, or schedule",
  })),
]);

const policies: Check = each("access policies are complete", ["identity"], ({ access, oidc }, key, { identity }) => {
  if (!access) {
    return [];
  }
  const { policy, groups, because } = access;
  const known = Object.keys(identity.groups);
  const ours = policy === "oidc" || policy === "proxy";
  return [
    ...issueIf(policy === "oidc" && oidc === undefined, () => ({
      path: `apps.${key}.access.policy`,
      found: "oidc, and nothing says how it speaks OpenID Connect",
      allowed: "oidc for an app with a section oidc; proxy for every other",
      fix: "write policy: proxy, or add oidc with the variables that the app reads",
    })),
    ...issueIf(!ours && because === undefined, () => ({
      path: `apps.${key}.access.because`,
      found: "nothing",
      allowed: `the reason why ${policy === "app" ? "its own login is enough" : "it needs no login at all"}`,
      fix: "add because, or write policy: proxy",
    })),
    ...issueIf(!ours && groups !== undefined, () => ({
      path: `apps.${key}.access.groups`,
      found: `groups, with policy ${policy}`,
      allowed: "groups only with oidc or proxy: nobody else asks Authentik",
      fix: "take groups away, or write policy: proxy",
    })),
    ...(groups ?? [])
      .filter((group) => !known.includes(group))
      .map((group) => ({
        path: `apps.${key}.access.groups`,
        found: group,
        allowed: `keys of identity.groups: ${known.join(", ")}`,
        fix: nearest(group, known) ? `did you mean '${nearest(group, known)}'?` : `add ${group} to identity.groups`,
      })),
  ];
});

const groups: Check = {
  name: "groups that the platform needs",
  needs: ["identity"],
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
  needs: ["apps"],
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

const images: Check = each("images of apps are pinned", [], ({ image: { repository, tag, digest } }, key) =>
  issueIf(digest === undefined && MOVING_TAGS.includes(tag), () => ({
    path: `apps.${key}.image.digest`,
    found: `nothing, and the tag ${tag} is another image tomorrow`,
    allowed: "a digest beside a moving tag, or the tag of one release",
    fix: `run: skopeo inspect docker://${repository}:${tag} and take Digest`,
  })),
);

const volumes: Check = each("volumes of apps have their tier", ["storage"], (app, key, { storage }) =>
  Object.entries(app.volumes).flatMap(([volume, { tier }]) => {
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

const placement: Check = each("apps can run where they should", ["machines", "storage"], (app, key, config) => {
  const { machines, storage } = config;
  const nodes = Object.entries(machines).filter(([, { role }]) => role !== "hypervisor");
  const known = nodes.map(([name]) => name);
  const strange = (app.nodes ?? []).filter((name) => !known.includes(name));
  const carriers = (tier: string) =>
    nodes.flatMap(([name, machine]) =>
      "disks" in machine && Object.values(machine.disks).some((disk) => disk.tier === tier) ? [name] : [],
    );
  return [
    ...strange.map((name) => ({
      path: `apps.${key}.nodes`,
      found: name,
      allowed: `machines that run K3s: ${known.join(", ")}`,
      fix: nearest(name, known) ? `did you mean '${nearest(name, known)}'?` : "name one of them",
    })),
    ...issueIf(app.gpu !== undefined && strange.length === 0 && gpuNodes(config, app).length === 0, () => ({
      path: `apps.${key}.gpu`,
      found: `${app.gpu}, and no machine ${app.nodes ? `among ${app.nodes.join(", ")} ` : ""}has it`,
      allowed: app.gpu === "nvidia" ? "nvidia where a worker has gpu" : "quicksync where a worker has quickSync",
      fix: "take gpu away, or say on the machine that it has one",
    })),
    // A strict-local volume has its one copy where the pod is, so the pod must be where the disks are.
    ...Object.entries(app.volumes).flatMap(([volume, { tier = storage.defaultTier }]) => {
      const local = Object.hasOwn(storage.tiers, tier) && storage.tiers[tier].dataLocality === "strict-local";
      const able = carriers(tier).filter((name) => app.nodes?.includes(name) ?? true);
      return issueIf(local && able.length === 0, () => ({
        path: `apps.${key}.volumes.${volume}.tier`,
        found: `${tier}, which is strict-local, and none of ${app.nodes?.join(", ") ?? "the machines"} carries it`,
        allowed: `nodes with disks of ${tier}: ${carriers(tier).join(", ") || "none"}`,
        fix: "name one of them in nodes, or choose another tier",
      }));
    }),
  ];
});

function gpuNodes({ machines }: RawHomelab, { gpu, nodes }: App): { name: string; shares: number }[] {
  return Object.entries(machines).flatMap(([name, machine]) => {
    const shares =
      machine.role !== "worker" ? undefined : gpu === "nvidia" ? machine.gpu?.slices : machine.quickSync?.sharedBy;
    return shares !== undefined && (nodes?.includes(name) ?? true) ? [{ name, shares }] : [];
  });
}

/** Requests that a GPU's slices cannot meet leave pods waiting for ever, and nothing says why. */
const gpuShares: Check = {
  name: "GPU slices suffice",
  needs: ["apps", "machines"],
  run(config) {
    return (["nvidia", "quicksync"] as const).flatMap((kind) => {
      const users = Object.entries(config.apps).filter(([, { gpu }]) => gpu === kind);
      // Each set of nodes that an app is bound to must carry the apps that can run nowhere else.
      const sets = new Map(
        users.map(([, app]) => [
          gpuNodes(config, app)
            .map(({ name }) => name)
            .join(),
          app,
        ]),
      );
      return [...sets.values()].flatMap((app) => {
        const offered = gpuNodes(config, app);
        const inside = users.filter(([, other]) =>
          gpuNodes(config, other).every(({ name }) => offered.some((node) => node.name === name)),
        );
        const shares = offered.reduce((sum, node) => sum + node.shares, 0);
        return issueIf(offered.length > 0 && inside.length > shares, () => ({
          path: "apps",
          found: `${inside.length} apps with gpu: ${kind} on ${offered.map(({ name }) => name).join(", ")}: ${inside.map(([name]) => name).join(", ")}`,
          allowed: `at most ${shares}, the ${kind === "nvidia" ? "slices" : "shares"} there`,
          fix: `raise ${kind === "nvidia" ? "gpu.slices" : "quickSync.sharedBy"} of the machine, or take gpu from an app`,
        }));
      });
    });
  },
};

const media: Check = {
  name: "media of apps",
  needs: ["apps", "storage", "machines"],
  run({ apps, storage, machines }) {
    const users = Object.entries(apps).filter(([, app]) => app.media);
    const [first] = users;
    const server = storage.media && machines[storage.media.server];
    const readOnly =
      server?.role === "hypervisor" &&
      storage.media !== undefined &&
      server.exports[storage.media.export]?.readOnly === true;
    return users.flatMap(([key, app]) => [
      ...issueIf(storage.media === undefined, () => ({
        path: `apps.${key}.media`,
        found: "the media share, which this house does not have",
        allowed: "media where storage.media is set",
        fix: "set storage.media, or write media: null",
      })),
      ...issueIf(app.namespace !== first[1].namespace, () => ({
        path: `apps.${key}.namespace`,
        found: `${app.namespace}, and ${first[0]} has the media in ${first[1].namespace}`,
        allowed: "one namespace for all apps with media: a volume has one claim, and a claim one namespace",
        fix: `write ${first[1].namespace}`,
      })),
      ...issueIf(readOnly && app.media?.readOnly === false, () => ({
        path: `apps.${key}.media.readOnly`,
        found: "false, and the export is read-only",
        allowed: "true",
        fix: "write media: { readOnly: true }, or export it for writing",
      })),
    ]);
  },
};

const references: Check = each("apps know each other", [], (app, key, { apps }) => {
  const known = Object.keys(apps);
  return [
    ...app.uses
      .filter((other) => !known.includes(other))
      .filter((other) => !OPTIONAL_NEIGHBOURS.includes(other))
      .map((other) => ({
        path: `apps.${key}.uses`,
        found: other,
        allowed: `other apps: ${known.filter((name) => name !== key).join(", ")}`,
        fix: nearest(other, known) ? `did you mean '${nearest(other, known)}'?` : `add the app, or take ${other} away`,
      })),
    ...Object.entries(app.secrets).flatMap(([variable, reference]) => {
      const [other, secret] = reference.includes(".") ? reference.split(".") : [key, reference];
      const owned = other === key || Object.values(apps[other]?.secrets ?? {}).includes(secret);
      return issueIf(!owned, () => ({
        path: `apps.${key}.secrets.${variable}`,
        found: reference,
        allowed: "a key that the other app has among its own secrets",
        fix: `add ${other} with it, or take ${key} away`,
      }));
    }),
  ];
});

/** The catalog's apps name each other; a house that has only some of them is fine. */
const OPTIONAL_NEIGHBOURS = [
  ...["jellyfin", "plex", "sonarr", "radarr", "lidarr", "prowlarr", "whisparr", "bazarr", "sabnzbd", "overseerr"],
  ...["ollama", "open-webui", "automatic1111"],
];

const paths: Check = each("nothing is mounted twice", [], (app, key) => {
  const places = [
    ...Object.entries(app.volumes).map(([name, { mountPath }]) => ({ path: `volumes.${name}`, mountPath })),
    ...Object.entries(app.scratch).map(([name, { mountPath }]) => ({ path: `scratch.${name}`, mountPath })),
    ...(app.media ? [{ path: "media", mountPath: app.media.mountPath }] : []),
  ];
  return places.flatMap(({ path, mountPath }, index) => {
    const other = places.slice(0, index).find((earlier) => earlier.mountPath === mountPath);
    return issueIf(other !== undefined, () => ({
      path: `apps.${key}.${path}.mountPath`,
      found: `${mountPath}, which is also ${other?.path}`,
      allowed: "a path of its own for each",
      fix: "move one of them",
    }));
  });
});

export const appChecks: readonly Check[] = [
  ...[names, namespaces, served, policies, groups, hosts, images, volumes],
  ...[placement, gpuShares, media, references, paths],
];
