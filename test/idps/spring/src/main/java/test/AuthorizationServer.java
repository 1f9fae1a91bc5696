/** Spring Authorization Server as Spring Boot sets it up, but for the audience where one is configured. */
package test;

import java.util.List;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.security.oauth2.server.authorization.OAuth2TokenType;
import org.springframework.security.oauth2.server.authorization.token.JwtEncodingContext;
import org.springframework.security.oauth2.server.authorization.token.OAuth2TokenCustomizer;

@SpringBootApplication
public class AuthorizationServer {
  public static void main(String[] args) {
    SpringApplication.run(AuthorizationServer.class, args);
  }

  /** By itself it writes the id of the client there, and ignores `resource`. */
  @Bean
  @ConditionalOnProperty("audience")
  OAuth2TokenCustomizer<JwtEncodingContext> audience(@Value("${audience}") String audience) {
    return context -> {
      if (OAuth2TokenType.ACCESS_TOKEN.equals(context.getTokenType())) {
        context.getClaims().audience(List.of(audience));
      }
    };
  }
}
