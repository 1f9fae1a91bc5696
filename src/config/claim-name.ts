/** Claims inside others, as people know them from elsewhere (`realm_access.roles`), and as they are written here. RFC 6901 §3. */

/** What to write for a name with dots between its parts; undefined for any other. */
export function cureDottedName(value: string): string | undefined {
  const path = value.replace(/^\$\./, '');
  if (!/^[\w-]+(\.[\w-]+)+$/.test(path)) return undefined;
  return `write "/${path.replaceAll('.', '/')}"; a claim with that very name is "/${value}"`;
}
