package io.github.flashspring.autoconfigure.diagnostics;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.NoSuchBeanDefinitionException;
import org.springframework.beans.factory.NoUniqueBeanDefinitionException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.analyzer.AbstractInjectionFailureAnalyzer;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;
import org.springframework.util.ClassUtils;

/**
 * {@link AbstractInjectionFailureAnalyzer} for a chat model that is not there: says why
 * Flash made none, and which property would change that. It comes before Spring Boot's
 * own, which advises to define a bean.
 */
@Order(0)
class MissingChatModelFailureAnalyzer extends AbstractInjectionFailureAnalyzer<NoSuchBeanDefinitionException> {

	private static final String CONFIGURATION = "io.github.flashspring.autoconfigure.FlashAutoConfiguration";

	private static final String ENGINE = "io.github.flashspring.engine.FlashEngine";

	private static final Set<String> CHAT_MODELS = Set.of("org.springframework.ai.chat.model.ChatModel",
			"org.springframework.ai.chat.model.StreamingChatModel", "org.springframework.ai.chat.client.ChatClient",
			"org.springframework.ai.chat.client.ChatClient$Builder", "io.github.flashspring.chat.FlashChatModel",
			ENGINE);

	private static final String SET_MODEL = "Set '" + FlashSelection.MODEL_PROPERTY
			+ "' to the folder of a checkpoint, or to the id of a model in the local Hugging Face cache.";

	private final BeanFactory beans;

	private final Environment environment;

	private final int javaVersion;

	/**
	 * The constructor that Spring Boot calls: of several, it must be the public one.
	 * @param beans beans of the application that did not start
	 * @param environment its properties
	 */
	public MissingChatModelFailureAnalyzer(BeanFactory beans, Environment environment) {
		this(beans, environment, Runtime.version().feature());
	}

	MissingChatModelFailureAnalyzer(BeanFactory beans, Environment environment, int javaVersion) {
		this.beans = beans;
		this.environment = environment;
		this.javaVersion = javaVersion;
	}

	@Override
	protected @Nullable FailureAnalysis analyze(Throwable rootFailure, NoSuchBeanDefinitionException cause,
			@Nullable String description) {
		Class<?> type = (cause.getResolvableType() != null) ? cause.getResolvableType().resolve() : cause.getBeanType();
		if (type == null || !CHAT_MODELS.contains(type.getName()) || cause instanceof NoUniqueBeanDefinitionException) {
			return null;
		}
		Reason reason = reason();
		return (reason != null) ? new FailureAnalysis(
				"%s required a bean of type '%s' that could not be found.%n%n%s".formatted(
						(description != null) ? description : "A component", type.getCanonicalName(), reason.why()),
				reason.action(), cause) : null;
	}

	/** Why Flash made no chat model; null if it is not Flash's doing. */
	private @Nullable Reason reason() {
		FlashSelection selection = FlashSelection.of(this.environment);
		Reason reason = selection.selected() ? null : unselected(selection);
		if (UnsupportedJavaException.appliesTo(this.javaVersion)) {
			UnsupportedJavaException java = new UnsupportedJavaException(this.javaVersion);
			return (reason != null)
					? new Reason(java.getMessage() + " " + reason.why(), java.action() + " " + reason.action())
					: new Reason(String.valueOf(java.getMessage()), java.action());
		}
		if (reason != null) {
			return reason;
		}
		String[] engines = engines();
		if (engines.length > 1) {
			return new Reason(
					"Flash made no chat model because there are %d FlashEngine beans and none of them is primary: %s."
						.formatted(engines.length, Arrays.stream(engines).sorted().collect(Collectors.joining(", "))),
					"Mark one of them with @Primary, or define a FlashChatModel for each of them: "
							+ "configurer.configure(FlashChatModel.builder(engine)).build(), with the FlashChatModelBuilderConfigurer of the application.");
		}
		return this.beans.containsBean(CONFIGURATION) ? null : new Reason(
				"Flash is inactive, although %s, because its auto-configuration is not part of this application."
					.formatted(selection.reason()),
				"Use @SpringBootApplication or @EnableAutoConfiguration, and do not exclude %s there or in 'spring.autoconfigure.exclude'."
					.formatted(CONFIGURATION));
	}

	private static Reason unselected(FlashSelection selection) {
		String why = "Flash is inactive because %s.".formatted(selection.reason());
		if (selection.chatModel() == null) {
			return new Reason(why, SET_MODEL);
		}
		return new Reason(why,
				"To use Flash, set '%s' to 'flash'%s. To use '%s', add its starter.".formatted(
						FlashSelection.CHAT_MODEL_PROPERTY,
						(selection.model() != null) ? "" : " and '" + FlashSelection.MODEL_PROPERTY + "' to a model",
						selection.chatModel()));
	}

	private String[] engines() {
		ClassLoader classLoader = getClass().getClassLoader();
		return (this.beans instanceof ListableBeanFactory listable && ClassUtils.isPresent(ENGINE, classLoader))
				? listable.getBeanNamesForType(ClassUtils.resolveClassName(ENGINE, classLoader), true, false)
				: new String[0];
	}

	/**
	 * Why there is no chat model.
	 *
	 * @param why what is the case
	 * @param action what would change it
	 */
	private record Reason(String why, String action) {

	}

}
