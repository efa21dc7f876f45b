package io.github.flashspring.autoconfigure;

import java.util.Arrays;
import java.util.Map;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;

import org.springframework.boot.actuate.endpoint.InvocationContext;
import org.springframework.boot.actuate.endpoint.SecurityContext;
import org.springframework.boot.actuate.endpoint.invoke.OperationInvokerAdvisor;
import org.springframework.boot.actuate.endpoint.invoke.convert.ConversionServiceParameterValueMapper;
import org.springframework.boot.actuate.endpoint.web.EndpointMediaTypes;
import org.springframework.boot.actuate.endpoint.web.ExposableWebEndpoint;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.boot.actuate.endpoint.web.WebOperation;
import org.springframework.boot.actuate.endpoint.web.annotation.WebEndpointDiscoverer;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What {@code POST /actuator/flash} does with the fields of its body, as Spring Boot
 * hands them over.
 */
@NullUnmarked
class FlashEndpointRequestTests {

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(FlashAutoConfiguration.class, FlashEndpointAutoConfiguration.class))
		.withPropertyValues("management.endpoints.web.exposure.include=flash", "flash.model=" + TestModels.STORIES,
				"flash.ram-budget-gb=0.006");

	@Test
	void nothingButAKnownBudgetChangesIt() {
		this.runner.run((context) -> {
			long before = budget(context);
			assertThat(before).isEqualTo((long) (0.006 * (1 << 30)));
			assertThat(refusal(context, Map.of())).contains("none is given", "\"unlimited\"");
			assertThat(refusal(context, Map.of("ramBudgetGB", 1.5))).contains("Unknown field 'ramBudgetGB'",
					"Known: ramBudgetGb");
			assertThat(refusal(context, Map.of("ramBudgetGb", 1.5, "force", true))).contains("Unknown field 'force'");
			assertThat(refusal(context, Map.of("ramBudgetGb", "lots"))).contains("Cannot read \"lots\"");
			assertThat(refusal(context, Map.of("ramBudgetGb", true))).contains("found true");
			assertThat(refusal(context, Map.of("ramBudgetGb", -1))).contains("above 0");
			assertThat(budget(context)).isEqualTo(before);
		});
	}

	@Test
	void refusedBudgetAnswersWithItsArithmetic() {
		this.runner.run((context) -> {
			long before = budget(context);
			assertThat(refusal(context, Map.of("ramBudgetGb", 0.0001))).startsWith("Cannot change the budget: ")
				.containsPattern("\\d KB.*\\+|\\+.*\\d KB|needs");
			assertThat(budget(context)).isEqualTo(before);
		});
	}

	@ParameterizedTest
	@CsvSource({ "0.005, 5368709", "5MB, 5242880" })
	void budgetIsANumberOrASize(String given, long bytes) {
		this.runner.run((context) -> {
			Object value = given.startsWith("0") ? Double.valueOf(given) : given;
			assertThat(post(context, Map.of("ramBudgetGb", value))).isInstanceOf(FlashEndpoint.FlashDescriptor.class);
			assertThat(budget(context)).isEqualTo(bytes);
		});
	}

	@Test
	void unlimitedPinsTheWholeModel() {
		this.runner.run((context) -> {
			post(context, Map.of("ramBudgetGb", 0.004));
			post(context, Map.of("ramBudgetGb", "unlimited"));
			FlashEndpoint.FlashDescriptor now = (FlashEndpoint.FlashDescriptor) context.getBean(FlashEndpoint.class)
				.flash();
			assertThat(now.plan().streamedBytesPerToken()).isZero();
		});
	}

	/** The budget in bytes; -1 without one. */
	private static long budget(ApplicationContext context) {
		FlashEndpoint.FlashDescriptor now = (FlashEndpoint.FlashDescriptor) context.getBean(FlashEndpoint.class)
			.flash();
		Long bytes = (now.now() != null) ? now.now().budgetBytes() : null;
		return (bytes != null) ? bytes : -1;
	}

	private static String refusal(ApplicationContext context, Map<String, Object> body) {
		WebEndpointResponse<?> response = (WebEndpointResponse<?>) post(context, body);
		assertThat(response.getStatus()).isEqualTo(400);
		return String.valueOf(((EndpointRefusals.Refusal) response.getBody()).message());
	}

	private static Object post(ApplicationContext context, Map<String, Object> body) {
		WebEndpointDiscoverer discoverer = new WebEndpointDiscoverer(context,
				new ConversionServiceParameterValueMapper(), EndpointMediaTypes.DEFAULT, null, null,
				context.getBeanProvider(OperationInvokerAdvisor.class).orderedStream().toList(), Arrays.asList(),
				Arrays.asList());
		ExposableWebEndpoint endpoint = discoverer.getEndpoints().iterator().next();
		WebOperation operation = endpoint.getOperations()
			.stream()
			.filter((candidate) -> candidate.getRequestPredicate().getPath().equals("flash")
					&& candidate.getRequestPredicate().getHttpMethod().name().equals("POST"))
			.findFirst()
			.orElseThrow();
		return operation.invoke(new InvocationContext(SecurityContext.NONE, body));
	}

}
