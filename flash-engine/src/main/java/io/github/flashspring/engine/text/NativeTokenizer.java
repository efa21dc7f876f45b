package io.github.flashspring.engine.text;

import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;

/**
 * Hugging Face's Rust tokenizer, through DJL's native binding. The binding is used
 * directly and not through DJL's {@code HuggingFaceTokenizer}, because that truncates to
 * 512 tokens by default, asks cloud services where it runs, and fetches eight arrays per
 * encoding where one is needed. Thread-safe; using it after closing is an error, not a
 * crash.
 */
final class NativeTokenizer implements AutoCloseable {

	/**
	 * Texts longer than this are encoded one at a time: the library needs some 90 bytes
	 * per character of English text, and up to ten times as many.
	 */
	static final int LONG_TEXT = 1 << 14;

	/** Characters after which freed memory is given back, which takes milliseconds. */
	private static final int TRIM_AFTER = 1 << 20;

	/** Characters of the library's own message, which may quote a token of any length. */
	private static final int MAX_REASON = 500;

	private final ReadWriteLock lock = new ReentrantReadWriteLock();

	private final Lock longTexts = new ReentrantLock();

	private final AtomicLong encodedCharacters = new AtomicLong();

	private final HeapTrimmer trimmer = HeapTrimmer.ofSystem();

	private long handle;

	private NativeTokenizer(long handle) {
		this.handle = handle;
	}

	/**
	 * Creates a tokenizer that neither truncates nor pads.
	 * @param json content of a {@code tokenizer.json}
	 * @param file named in errors
	 * @return the tokenizer
	 * @throws TokenizerException if the library refuses the content or cannot be loaded
	 */
	static NativeTokenizer create(String json, Path file) {
		try {
			TokenizersBinary.load();
			long handle = TokenizersLibrary.LIB.createTokenizerFromString(json);
			TokenizersLibrary.LIB.disableTruncation(handle);
			TokenizersLibrary.LIB.disablePadding(handle);
			return new NativeTokenizer(handle);
		}
		catch (RuntimeException | LinkageError ex) {
			throw refused(file, ex);
		}
	}

	private static TokenizerException refused(Path file, Throwable cause) {
		if (cause instanceof LinkageError || cause.getCause() instanceof LinkageError
				|| String.valueOf(cause.getMessage()).contains("native library")) {
			return new TokenizerException("The native tokenizer library cannot be loaded: " + cause + ".",
					"It exists for Linux and Windows on x86-64, Linux and macOS on ARM64, and is unpacked into the folder"
							+ " .djl.ai of the user's home: set ENGINE_CACHE_DIR to a folder that can be written to and"
							+ " executed from.",
					cause);
		}
		String reason = Objects.requireNonNullElse(cause.getMessage(), "" + cause);
		String told = (reason.length() > MAX_REASON) ? reason.substring(0, MAX_REASON) + "…" : reason;
		return new TokenizerException(file + " is refused by the tokenizer library: " + told + ".", Tokenizer.ACTION,
				cause);
	}

	long[] encode(String text, boolean addSpecialTokens) {
		boolean isLong = text.length() > LONG_TEXT;
		if (isLong) {
			this.longTexts.lock();
		}
		try {
			return encodeNow(text, addSpecialTokens);
		}
		finally {
			if (isLong) {
				this.longTexts.unlock();
			}
			if (this.encodedCharacters.addAndGet(text.length()) >= TRIM_AFTER) {
				this.encodedCharacters.set(0);
				this.trimmer.trim();
			}
		}
	}

	private long[] encodeNow(String text, boolean addSpecialTokens) {
		Lock reading = this.lock.readLock();
		reading.lock();
		try {
			long encoding = TokenizersLibrary.LIB.encode(open(), text, addSpecialTokens);
			try {
				return TokenizersLibrary.LIB.getTokenIds(encoding);
			}
			finally {
				TokenizersLibrary.LIB.deleteEncoding(encoding);
			}
		}
		finally {
			reading.unlock();
		}
	}

	String decode(long[] ids, boolean skipSpecialTokens) {
		Lock reading = this.lock.readLock();
		reading.lock();
		try {
			return TokenizersLibrary.LIB.decode(open(), ids, skipSpecialTokens);
		}
		finally {
			reading.unlock();
		}
	}

	private long open() {
		if (this.handle == 0) {
			throw new IllegalStateException("The tokenizer is closed");
		}
		return this.handle;
	}

	@Override
	public void close() {
		Lock writing = this.lock.writeLock();
		writing.lock();
		try {
			if (this.handle != 0) {
				TokenizersLibrary.LIB.deleteTokenizer(this.handle);
				this.handle = 0;
			}
		}
		finally {
			writing.unlock();
		}
	}

}
