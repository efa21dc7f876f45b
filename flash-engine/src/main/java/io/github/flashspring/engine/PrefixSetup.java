package io.github.flashspring.engine;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import java.util.function.Supplier;

import io.github.flashspring.engine.cache.KvPrecision;
import io.github.flashspring.engine.cache.PrefixStore;
import io.github.flashspring.engine.cache.Prefixes;
import io.github.flashspring.engine.cache.disk.PageHash;
import io.github.flashspring.engine.cache.disk.PrefixFolder;
import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.Fingerprint;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.model.ModelDefinition;
import io.github.flashspring.engine.residency.ResidencyPlan;

/**
 * Sets the prefix cache of an engine up: its memory, and its files under a fingerprint of
 * everything besides tokens that decides the bits.
 */
final class PrefixSetup {

	/**
	 * Raise this when kernels or architectures compute other bits than before: what older
	 * versions left is not found any more.
	 */
	private static final int SEMANTICS = 1;

	private static final long MAX_DEFAULT_BYTES = 20L << 30;

	private PrefixSetup() {
	}

	/**
	 * Under a budget, all memory of pages is planned for, and prefixes may fill it;
	 * without one, it is not there to be filled.
	 */
	static void inMemory(PrefixCacheConfig config, Prefixes prefixes, EngineParts parts) {
		if (config.enabled()) {
			boolean bounded = config.maxRamBytes() != null || parts.plan().budget().unlimited();
			prefixes.keep(ownBytes(config.disk() != null, prefixes, parts.plan()),
					bounded ? parts.needs().prefixes().maxBytes() : Long.MAX_VALUE);
		}
	}

	/** Gives it the memory of another plan. */
	static void resize(Prefixes prefixes, ResidencyPlan plan) {
		prefixes.resize(ownBytes(prefixes.hasDisk(), prefixes, plan));
	}

	/** What is read or written is in memory twice. */
	private static long ownBytes(boolean disk, Prefixes prefixes, ResidencyPlan plan) {
		return Math.max(0, plan.prefixBytes() - (disk ? prefixes.stagingBytes() : 0));
	}

	static void onDisk(PrefixCacheConfig config, KvPrecision precision, Prefixes prefixes, EngineParts parts,
			Supplier<IoMetrics> reads, Runnable wake) {
		PrefixCacheConfig.Disk disk = config.disk();
		if (disk == null) {
			return;
		}
		Long most = disk.maxBytes();
		PrefixFolder folder = PrefixFolder.open(disk.folder(), (most != null) ? most : defaultBytes(disk.folder()));
		byte[] fingerprint = fingerprint(parts.checkpoint(), parts.definition(), parts.device(),
				parts.needs().contextLength(), precision);
		prefixes.keepOnDisk(new PrefixStore(folder, fingerprint, disk.minTokens()), () -> {
			IoMetrics now = reads.get();
			return now.readsInFlight() + now.readsQueued() > 0;
		}, wake);
	}

	/** A tenth of what is free, at most 20 GB. */
	private static long defaultBytes(Path folder) {
		try {
			Path existing = folder.toAbsolutePath();
			while (!Files.exists(existing)) {
				Path parent = existing.getParent();
				if (parent == null) {
					return MAX_DEFAULT_BYTES;
				}
				existing = parent;
			}
			return Math.min(MAX_DEFAULT_BYTES, Files.getFileStore(existing).getUsableSpace() / 10);
		}
		catch (IOException ex) {
			return MAX_DEFAULT_BYTES;
		}
	}

	/** Of weights, device, shape and precision of pages, and what the context scales. */
	private static byte[] fingerprint(Checkpoint checkpoint, ModelDefinition definition, Device device,
			int contextLength, KvPrecision precision) {
		TreeMap<String, Long> files = new TreeMap<>();
		Fingerprint.of(checkpoint).files().forEach((file, sum) -> files.put(file.getFileName().toString(), sum));
		ByteArrayOutputStream bytes = new ByteArrayOutputStream();
		try (DataOutputStream out = new DataOutputStream(bytes)) {
			out.writeInt(SEMANTICS);
			out.writeUTF(device.info().kind());
			out.writeUTF(definition.kvLayout(contextLength).toString());
			out.writeUTF(precision.toString());
			out.writeLong(definition.stateFloats());
			out.writeInt(contextLength);
			for (var file : files.entrySet()) {
				out.writeUTF(file.getKey());
				out.writeLong(file.getValue());
			}
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
		return PageHash.of(bytes.toByteArray());
	}

}
