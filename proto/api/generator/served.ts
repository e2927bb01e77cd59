/** What the product serves beyond the generally available kinds, and the types that none of them reach. */

/** Types that no stored kind reaches, but that request bodies and answers are made of. */
export const VERSION_ONLY_TYPES: readonly string[] = [
  'io.k8s.apimachinery.pkg.apis.meta.v1.Status',
  'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions',
  'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta',
  'io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent',
  'io.k8s.api.autoscaling.v1.Scale',
  'io.k8s.api.policy.v1.Eviction',
  'io.k8s.api.policy.v1beta1.Eviction',
  'io.k8s.api.core.v1.Binding',
  'io.k8s.api.authentication.v1.TokenRequest',
];

/** Kinds that are served though they aren't generally available: `group/version/kind`. */
export const ALPHA_KINDS: ReadonlySet<string> = new Set([
  // What a gang is; upstream serves it behind the gate GangScheduling.
  'scheduling.k8s.io/v1alpha2/PodGroup',
]);
