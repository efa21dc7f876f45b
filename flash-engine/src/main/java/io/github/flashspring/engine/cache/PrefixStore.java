package io.github.flashspring.engine.cache;

import io.github.flashspring.engine.cache.disk.PrefixFolder;

/**
 * Where prefixes are kept on disk, and which.
 *
 * @param folder the files
 * @param fingerprint 32 bytes of everything besides tokens that decides the bits
 * @param minTokens shorter prefixes are not kept on disk
 */
@SuppressWarnings("ArrayRecordComponent") // nobody compares stores
public record PrefixStore(PrefixFolder folder, byte[] fingerprint, int minTokens) {

}
