/** Where an issuer's keys or endpoints are, as its metadata say. RFC 8414 §3, OpenID Connect Discovery 1.0 §4. */
import { checkIssuerMetadata, metadataUrls, type NamedUrl } from '../oauth/issuer-metadata.ts';
import { errorField } from '../observe/log.ts';

/** Tries each place of the metadata. Rejects with an error that names them all and what was wrong with each. */
export async function discoverUrl(named: NamedUrl, fetchJson: (url: string) => Promise<unknown>): Promise<string> {
  const problems: string[] = [];
  for (const place of metadataUrls(named.issuer)) {
    try {
      const outcome = checkIssuerMetadata(await fetchJson(place), named);
      if ('url' in outcome) return outcome.url;
      problems.push(`GET ${place} ${outcome.problem}`);
    } catch (error) {
      problems.push(errorField(error));
    }
  }
  throw new Error(`no usable metadata of this issuer: ${problems.join('; ')}`);
}
