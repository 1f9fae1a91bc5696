/** What Obex uses of the Redis client. Imported when Redis is configured: the release has it in a file of its own. */
export { createClient, createCluster, ErrorReply } from '@redis/client';
