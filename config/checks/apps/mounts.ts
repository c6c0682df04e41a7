import { ofEach, ofRules } from "../../readable";
import { issueIf, repeated, type Check } from "../check";
import { each } from "./check";

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

/** What is mounted into an app. */
export const mountChecks: readonly Check[] = [media, insideReadOnly, paths];
