import { z } from "zod";
import { defaultPins } from "../pins";
import { mirrorSchema } from "./mirror";
import { httpsUrl, pattern, sha256 } from "./scalars";

const k3sVersion = pattern(
  /^v[0-9]+\.[0-9]+\.[0-9]+\+k3s[0-9]+$/,
  "a K3s release such as v1.32.5+k3s1",
  "take the tag of the release page, with the v and the +k3s suffix",
);

const semver = pattern(
  /^v?[0-9]+\.[0-9]+\.[0-9]+$/,
  "an exact version: three numbers, with a leading v where the publisher writes one",
  "pin one release, never a range or 'latest'",
);

/** A file fetched by a machine: where from, and what it must be. */
const download = z.strictObject({ url: httpsUrl, sha256 });

const chartPins = Object.fromEntries(
  Object.entries(defaultPins.charts).map(([name, version]) => [name, semver.default(version)]),
) as Record<keyof typeof defaultPins.charts, z.ZodDefault<typeof semver>>;

const imagePins = Object.fromEntries(
  Object.entries(defaultPins.images).map(([name, image]) => [name, z.string().min(1).default(image)]),
) as Record<keyof typeof defaultPins.images, z.ZodDefault<z.ZodString>>;

export const versionsSchema = z.strictObject({
  k3s: z.strictObject({
    version: k3sVersion,
    /** Digest of the `k3s` binary for amd64. */
    sha256,
    /** Release of the agents while an upgrade leaves them behind; the skew rule holds. Left out: the server's. */
    agent: z.strictObject({ version: k3sVersion, sha256 }).optional(),
  }),
  /** Ubuntu cloud image of the VM. */
  cloudImage: download,
  gatewayApi: z.strictObject({
    version: semver,
    channel: z.enum(["standard", "experimental"]),
    /** Digest of the release's <channel>-install.yaml. */
    sha256,
  }),
  prometheusOperatorCrds: z.strictObject({
    version: semver.default(defaultPins.prometheusOperator),
    /** Digest of the release's stripped-down-crds.yaml. */
    sha256,
  }),
  charts: z.strictObject(chartPins).prefault({}),
  images: z.strictObject(imagePins).prefault({}),
  /** Replaces upstream. Leave out where upstream is used. */
  mirror: mirrorSchema.optional(),
});
