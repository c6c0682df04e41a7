import { catalog } from "../../apps/catalog";
import { nearest } from "../../nearest";
import { ofEach, ofRules } from "../../readable";
import { toBytes } from "../../units";
import { issueIf, repeated, type Check } from "../check";
import { MOVING_TAGS } from "../downloads";
import { each } from "./check";

const images: Check = each("images of apps are pinned", ({ image: { repository, tag, digest } }, key) =>
  issueIf(digest === undefined && MOVING_TAGS.includes(tag), () => ({
    path: `apps.${key}.image.digest`,
    found: `nothing, and the tag ${tag} is another image tomorrow`,
    allowed: "a digest beside a moving tag, or the tag of one release",
    fix: `run: skopeo inspect docker://${repository}:${tag} and take Digest`,
  })),
);

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

/** What an app runs, and what it is told. */
export const containerChecks: readonly Check[] = [images, references, variables, requests, users];
