package io.github.flashspring.autoconfigure;

import io.github.flashspring.engine.hub.DownloadProgress;

/**
 * Published while the model of {@code flash.model} is downloaded, a few times a second,
 * and once when it is there.
 *
 * @param progress how far it is
 */
public record FlashDownloadEvent(DownloadProgress progress) {

}
