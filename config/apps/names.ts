interface Named {
  readonly name: string;
}

/** Name of one of an app's jobs, and what its pods are found by: the app's own Service must not find them. */
export function jobName(app: Named, job: string): string {
  return `${app.name}-${job}`;
}

/** Claim of an app's volume. */
export function claimName(app: Named, volume: string): string {
  return `${app.name}-${volume}`;
}

/** The one claim on the media share, in the namespace of the apps that use it. */
export const MEDIA_CLAIM = "media";

/** Name of the Secret with an app's generated variables. */
export function secretName({ name }: Named): string {
  return `${name}-generated`;
}
