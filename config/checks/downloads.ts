import { defaultPins, type ImageName } from "../pins";
import { ofEach } from "../readable";
import { issueIf, type Check } from "./check";

/** registry/name with a tag, a digest or both, as the OCI distribution specification writes them. */
const IMAGE = /^[a-z0-9][a-z0-9._:/-]*?(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

/** Tags that point to another image tomorrow. */
export const MOVING_TAGS: readonly string[] = [
  ...["latest", "stable", "release", "main", "master"],
  ...["edge", "nightly", "dev", "develop"],
];

const pinnedImages: Check = {
  name: "images are pinned",
  run({ versions }) {
    return ofEach(versions.images, (image, name) => {
      const [matched, tag, digest] = IMAGE.exec(image) ?? [];
      const pinned =
        matched !== undefined && (digest !== undefined || (tag !== undefined && !MOVING_TAGS.includes(tag)));
      return issueIf(!pinned, () => ({
        path: `versions.images.${name}`,
        found: image,
        allowed: "an image with the tag of one release, a sha256 digest, or both; never latest",
        fix: `write it like ${defaultPins.images[name as ImageName]}`,
      }));
    });
  },
};

const datedCloudImage: Check = {
  name: "the cloud image is of one release",
  run({ versions: { cloudImage } }) {
    return issueIf(/\/(current|release|latest|daily)\//.test(cloudImage.url), () => ({
      path: "versions.cloudImage.url",
      found: cloudImage.url,
      allowed: "the address of one dated release: a moving one stops matching its sha256 with the next publication",
      fix: "take a folder such as release-20251216 and the sum from its SHA256SUMS",
    }));
  },
};

export const downloadChecks: readonly Check[] = [pinnedImages, datedCloudImage];
