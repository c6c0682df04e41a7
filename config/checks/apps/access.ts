import { catalog, withoutLogin } from "../../apps/catalog";
import { platformServices } from "../../homelab";
import { nearest } from "../../nearest";
import { ofEach, ofRules } from "../../readable";
import { issueIf, repeated, type Check } from "../check";
import { each } from "./check";

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

/** Who reaches an app, and how. */
export const accessChecks: readonly Check[] = [served, ports, policies, groups, hosts];
