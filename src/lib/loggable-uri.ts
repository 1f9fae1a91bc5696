/** What a log may hold of a URI that a client sent: no userinfo, query or fragment, where secrets stand. RFC 3986 §3. */

export function loggableUri(uri: string): string {
  const end = uri.search(/[?#]/);
  const hierarchy = end === -1 ? uri : uri.slice(0, end);
  // §3.2.1: the last "@" before the path ends the userinfo, whatever libraries make of those before it.
  return hierarchy.replace(/(\/\/)[^/]*@/, '$1');
}
